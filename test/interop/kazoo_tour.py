"""Python's Kazoo on a server that it does not know: its client and every recipe, one step after the other.

    python3 kazoo_tour.py 127.0.0.1:2181

Prints `ok NAME` for each step, and a traceback and `failed NAME` for one that fails; the exit status is the number of these.
"""

import datetime
import logging
import queue
import sys
import threading
import traceback
from contextlib import contextmanager

from kazoo import exceptions
from kazoo.client import KazooClient
from kazoo.exceptions import (
    BadVersionError,
    InvalidACLError,
    LockTimeout,
    NoAuthError,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    RolledBackError,
    RuntimeInconsistency,
    SessionExpiredError,
)
from kazoo.protocol.states import EventType, KazooState
from kazoo.recipe.cache import TreeCache, TreeEvent
from kazoo.recipe.watchers import PatientChildrenWatch
from kazoo.retry import KazooRetry
from kazoo.security import make_acl, make_digest_acl

HOSTS = sys.argv[1]

# Nothing is slow here: it only ends what would wait for ever.
PATIENCE = 20

STEPS = []


def step(function):
    STEPS.append(function)
    return function


@contextmanager
def connected(**options):
    client = KazooClient(hosts=HOSTS, timeout=10, **options)
    client.start(timeout=PATIENCE)
    try:
        yield client
    finally:
        client.stop()
        client.close()


@contextmanager
def raises(kind):
    try:
        yield
    except kind:
        return
    raise AssertionError("no " + kind.__name__)


def told(event):
    assert event.wait(PATIENCE), "nobody told"


def next_of(events):
    return events.get(timeout=PATIENCE)


def until(events, wanted):
    """The first of these that is as wanted: what comes before it may be merged or not."""
    while True:
        value = next_of(events)
        if wanted(value):
            return value


def in_thread(function):
    """Runs it beside this thread; `.join()` gives what it returned or raises what it raised."""
    box = []

    def run():
        try:
            box.append((function(), None))
        except BaseException as error:  # handed to the one who joins
            box.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    class Running:
        @staticmethod
        def join():
            thread.join(PATIENCE)
            assert box, "still running"
            value, error = box[0]
            if error is not None:
                raise error
            return value

    return Running


# The client


@step
def znodes(zk, path):
    assert zk.create(path + "/plain", b"one") == path + "/plain"
    with raises(NodeExistsError):
        zk.create(path + "/plain")
    with raises(NoNodeError):
        zk.create(path + "/missing/child")
    assert zk.create(path + "/made/on/the/way", makepath=True).endswith("/way")
    made, stat = zk.create(path + "/stat", b"12345", include_data=True)
    assert (made, stat.dataLength, stat.version) == (path + "/stat", 5, 0)
    sequence = [zk.create(path + "/s-", sequence=True) for _ in range(3)]
    assert [int(name[-10:]) for name in sequence] == list(range(int(sequence[0][-10:]), int(sequence[0][-10:]) + 3))
    zk.create(path + "/mine", ephemeral=True)
    assert zk.exists(path + "/mine").ephemeralOwner == zk.client_id[0]
    data, stat = zk.get(path + "/plain")
    assert (data, stat.version) == (b"one", 0)
    assert zk.set(path + "/plain", b"two", version=0).version == 1
    with raises(BadVersionError):
        zk.set(path + "/plain", b"three", version=0)
    assert zk.exists(path + "/nowhere") is None
    children, stat = zk.get_children(path, include_data=True)
    assert stat.numChildren == len(children) == 7, children
    with raises(NotEmptyError):
        zk.delete(path + "/made")
    with raises(BadVersionError):
        zk.delete(path + "/plain", version=9)
    zk.delete(path + "/made", recursive=True)
    assert zk.sync(path) == path
    zk.ensure_path(path + "/a/b/c")
    assert zk.exists(path + "/a/b/c")


@step
def big_values(zk, path):
    value = bytes(range(256)) * 4000
    zk.create(path + "/big", value)
    assert zk.get(path + "/big")[0] == value
    zk.create(path + "/empty", b"")
    assert zk.get(path + "/empty")[0] == b""
    zk.create(path + "/ünïcode-✓", "wert-✓".encode())
    assert sorted(zk.get_children(path)) == ["big", "empty", "ünïcode-✓"]


@step
def pipelines(zk, path):
    made = [zk.create_async(path + "/n%d" % i, b"%d" % i) for i in range(1000)]
    for each in made:
        each.get(timeout=PATIENCE)
    read = [zk.get_async(path + "/n%d" % i) for i in range(1000)]
    assert [int(each.get(timeout=PATIENCE)[0]) for each in read] == list(range(1000))
    assert len(zk.get_children(path)) == 1000


@step
def one_shot_watches(zk, path):
    events = queue.Queue()
    assert zk.exists(path + "/n", watch=events.put) is None
    zk.create(path + "/n")
    event = next_of(events)
    assert (event.type, event.path) == (EventType.CREATED, path + "/n")
    zk.get(path + "/n", watch=events.put)
    zk.set(path + "/n", b"new")
    assert next_of(events).type == EventType.CHANGED
    zk.get_children(path, watch=events.put)
    zk.create(path + "/other")
    event = next_of(events)
    assert (event.type, event.path) == (EventType.CHILD, path)
    zk.exists(path + "/n", watch=events.put)
    zk.delete(path + "/n")
    assert next_of(events).type == EventType.DELETED
    assert events.empty()


@step
def acls(zk, path):
    mine = make_digest_acl("ann", "secret", all=True)
    zk.create(path + "/ann", b"hers", acl=[mine, make_acl("world", "anyone", create=True)])
    with raises(NoAuthError):
        zk.get(path + "/ann")
    zk.create(path + "/ann/child")
    with connected(auth_data=[("digest", "ann:secret")]) as ann:
        assert ann.get(path + "/ann")[0] == b"hers"
        found, stat = ann.get_acls(path + "/ann")
        assert mine in found and stat.aversion == 0
        ann.set_acls(path + "/ann", [mine], version=0)
        with raises(BadVersionError):
            ann.set_acls(path + "/ann", [mine], version=0)
    zk.add_auth("digest", "ann:secret")
    assert zk.get(path + "/ann")[0] == b"hers"
    with raises(InvalidACLError):
        zk.set_acls(path + "/ann", [make_acl("nonsense", "x", all=True)])


@step
def transactions(zk, path):
    zk.create(path + "/a", b"old")
    work = zk.transaction()
    work.check(path + "/a", 0)
    work.create(path + "/b", b"b")
    work.create(path + "/s-", sequence=True)
    work.set_data(path + "/a", b"new")
    work.delete(path + "/b")
    results = work.commit()
    assert results[:2] == [True, path + "/b"] and results[2].startswith(path + "/s-"), results
    assert results[3].version == 1 and results[4] is True, results
    failing = zk.transaction()
    failing.create(path + "/c")
    failing.delete(path + "/missing")
    failing.create(path + "/d")
    kinds = [type(result) for result in failing.commit()]
    assert kinds == [RolledBackError, NoNodeError, RuntimeInconsistency], kinds
    assert zk.exists(path + "/c") is None
    with zk.transaction() as block:
        block.create(path + "/e")
    assert zk.exists(path + "/e")


@step
def chroot(zk, path):
    zk.create(path + "/root")
    with connected() as inside:
        inside.chroot = path + "/root"
        assert inside.create("/x") == "/x"
        assert inside.get_children("/") == ["x"]
    assert zk.exists(path + "/root/x")


@step
def retries(zk, path):
    assert zk.retry(zk.get, path)[0] == b""
    tries = []

    def flaky():
        tries.append(1)
        if len(tries) < 3:
            raise SessionExpiredError()
        return zk.exists(path)

    assert KazooRetry(max_tries=5, delay=0.01, ignore_expire=True)(flaky) and len(tries) == 3


@step
def server_commands(zk, path):
    assert zk.command(b"ruok") == "imok"
    for word in (b"srvr", b"stat", b"mntr", b"conf", b"envi", b"cons", b"wchs", b"dump"):
        assert zk.command(word), word
    assert zk.server_version()[:2] >= (3, 5)
    assert zk.get("/zookeeper/config")[1].mzxid >= 0
    if hasattr(exceptions, "ReconfigDisabledError"):  # from Kazoo 2.9 on
        with raises((exceptions.ReconfigDisabledError, exceptions.UnimplementedError, NoAuthError)):
            zk.reconfig(joining="server.9=127.0.0.1:1:2;3", leaving=None, new_members=None)


@step
def sessions(zk, path):
    states = queue.Queue()
    client = KazooClient(hosts=HOSTS, timeout=10)
    client.add_listener(lambda state: states.put(state))
    client.start(timeout=PATIENCE)
    assert next_of(states) == KazooState.CONNECTED
    client.create(path + "/mine", ephemeral=True)
    first, gone = client.client_id, threading.Event()
    assert zk.exists(path + "/mine", watch=lambda event: gone.set())
    # Another process takes the session over and closes it: the first one learns that it has expired. It takes the session
    # back when it is quicker to connect again than the other is to close it.
    for _ in range(PATIENCE):
        thief = KazooClient(hosts=HOSTS, timeout=10, client_id=first)
        thief.start(timeout=PATIENCE)
        thief.stop()
        thief.close()
        if gone.wait(1):
            break
    assert gone.is_set()
    until(states, lambda state: state == KazooState.LOST)
    until(states, lambda state: state == KazooState.CONNECTED)
    assert client.client_id[0] != first[0]
    client.restart()
    assert client.exists(path)
    client.stop()
    client.close()


# The recipes


@step
def lock(zk, path):
    with connected() as other:
        order = queue.Queue()
        mine, theirs = zk.Lock(path + "/lock", "me"), other.Lock(path + "/lock", "they")
        assert mine.acquire(timeout=PATIENCE)
        assert not theirs.acquire(blocking=False)
        with raises(LockTimeout):
            theirs.acquire(timeout=0.2)
        waiting = in_thread(lambda: (theirs.acquire(timeout=PATIENCE), order.put("they")))
        while mine.contenders() != ["me", "they"]:
            zk.sync(path)
        order.put("me")
        mine.release()
        waiting.join()
        assert [next_of(order), next_of(order)] == ["me", "they"]
        theirs.release()
        with mine:
            assert mine.is_acquired


@step
def lock_of_a_dead_session(zk, path):
    with connected() as other:
        assert other.Lock(path + "/lock").acquire(timeout=PATIENCE)
        waiting = in_thread(lambda: zk.Lock(path + "/lock").acquire(timeout=PATIENCE))
    assert waiting.join()


@step
def read_write_lock(zk, path):
    with connected() as other:
        assert zk.ReadLock(path + "/rw").acquire(timeout=PATIENCE)
        second = other.ReadLock(path + "/rw")
        assert second.acquire(timeout=PATIENCE)
        writer = other.WriteLock(path + "/rw")
        assert not writer.acquire(blocking=False)
    with connected() as other:
        zk.delete(path + "/rw", recursive=True)
        writer = other.WriteLock(path + "/rw")
        assert writer.acquire(timeout=PATIENCE)
        reader = zk.ReadLock(path + "/rw")
        assert not reader.acquire(blocking=False)
        waiting = in_thread(lambda: reader.acquire(timeout=PATIENCE))
        writer.release()
        assert waiting.join()
        reader.release()


@step
def semaphore(zk, path):
    with connected() as other:
        first = zk.Semaphore(path + "/sem", "a", max_leases=2)
        second = other.Semaphore(path + "/sem", "b", max_leases=2)
        third = other.Semaphore(path + "/sem", "c", max_leases=2)
        assert first.acquire(timeout=PATIENCE) and second.acquire(timeout=PATIENCE)
        assert sorted(first.lease_holders()) == ["a", "b"]
        assert not third.acquire(blocking=False)
        waiting = in_thread(lambda: third.acquire(timeout=PATIENCE))
        first.release()
        assert waiting.join()
        assert sorted(third.lease_holders()) == ["b", "c"]


@step
def election(zk, path):
    with connected() as other:
        leading, resign, order = threading.Event(), threading.Event(), []
        one, two = zk.Election(path + "/e", "one"), other.Election(path + "/e", "two")

        def lead():
            order.append("one")
            leading.set()
            told(resign)

        first = in_thread(lambda: one.run(lead))
        told(leading)
        second = in_thread(lambda: two.run(lambda: order.append("two")))
        while two.contenders() != ["one", "two"]:
            zk.sync(path)
        resign.set()
        first.join()
        second.join()
        assert order == ["one", "two"]


@step
def barrier(zk, path):
    with connected() as other:
        held = zk.Barrier(path + "/b")
        held.create()
        assert not other.Barrier(path + "/b").wait(timeout=0.1)
        waiting = in_thread(lambda: other.Barrier(path + "/b").wait(timeout=PATIENCE))
        assert held.remove()
        assert waiting.join()


@step
def double_barrier(zk, path):
    with connected() as a, connected() as b:
        inside = []

        def take_part(client, name):
            gate = client.DoubleBarrier(path + "/db", 3, identifier=name)
            gate.enter()
            inside.append(name)
            gate.leave()

        running = [in_thread(lambda c=c, n=n: take_part(c, n)) for c, n in ((zk, "x"), (a, "y"), (b, "z"))]
        for each in running:
            each.join()
        assert sorted(inside) == ["x", "y", "z"]


@step
def counter(zk, path):
    with connected() as other:

        def count(client):
            mine = client.Counter(path + "/c")
            for _ in range(25):
                mine += 1

        running = [in_thread(lambda: count(zk)), in_thread(lambda: count(other))]
        for each in running:
            each.join()
        assert zk.Counter(path + "/c").value == 50
        floating = zk.Counter(path + "/f", default=1.5)
        floating -= 0.25
        assert floating.value == 1.25


@step
def parties(zk, path):
    for kind in ("Party", "ShallowParty"):
        with connected() as other:
            mine = getattr(zk, kind)(path + "/" + kind, "me")
            theirs = getattr(other, kind)(path + "/" + kind, "they")
            mine.join()
            theirs.join()
            assert sorted(mine) == ["me", "they"] and len(mine) == 2
            theirs.leave()
            assert list(mine) == ["me"]
            theirs.join()
        # `they` is gone with its session.
        assert list(mine) == ["me"]


@step
def plain_queue(zk, path):
    line = zk.Queue(path + "/q")
    for value, priority in ((b"second", 100), (b"third", 100), (b"first", 1)):
        line.put(value, priority)
    assert len(line) == 3
    assert [line.get(), line.get(), line.get(), line.get()] == [b"first", b"second", b"third", None]


@step
def locking_queue(zk, path):
    with connected() as other:
        mine, theirs = zk.LockingQueue(path + "/q"), other.LockingQueue(path + "/q")
        mine.put_all([b"one", b"two"])
        mine.put(b"urgent", priority=1)
        assert mine.get(timeout=PATIENCE) == b"urgent"
        assert mine.holds_lock()
        assert theirs.get(timeout=PATIENCE) == b"one"
        assert mine.consume() and theirs.release()
        assert mine.get(timeout=PATIENCE) in (b"one", b"two")
        assert mine.consume()
        assert theirs.get(timeout=PATIENCE) in (b"one", b"two")
        assert theirs.consume()
        waiting = in_thread(lambda: theirs.get(timeout=PATIENCE))
        mine.put(b"late")
        assert waiting.join() == b"late"


@step
def leases(zk, path):
    hour = datetime.timedelta(hours=1)
    with connected() as other:
        assert zk.NonBlockingLease(path + "/l", hour, identifier="me")
        assert zk.NonBlockingLease(path + "/l", hour, identifier="me")
        assert not other.NonBlockingLease(path + "/l", hour, identifier="they")
        later = lambda: datetime.datetime.utcnow() + 2 * hour
        assert other.NonBlockingLease(path + "/l", hour, identifier="they", utcnow=later)
        for name, obtained in (("a", True), ("b", True), ("c", False)):
            assert bool(zk.MultiNonBlockingLease(2, path + "/m", hour, identifier=name)) is obtained


@step
def set_partitioner(zk, path):
    with connected() as other:
        parts = ("p1", "p2", "p3", "p4")
        options = {"set": parts, "time_boundary": 0.5}
        mine = zk.SetPartitioner(path + "/sp", identifier="a", **options)
        theirs = other.SetPartitioner(path + "/sp", identifier="b", **options)
        shares = {}

        def settle(name, partitioner):
            # Until both halves are found, one may have had the whole for a while.
            while not (partitioner.acquired and len(list(partitioner)) == 2):
                assert not partitioner.failed
                if partitioner.release:
                    partitioner.release_set()
                else:
                    partitioner.wait_for_acquire(timeout=0.1)
            shares[name] = list(partitioner)

        running = [in_thread(lambda: settle("a", mine)), in_thread(lambda: settle("b", theirs))]
        for each in running:
            each.join()
        assert sorted(shares["a"] + shares["b"]) == list(parts), shares
        theirs.finish()
        while not mine.release:
            zk.sync(path)
        mine.release_set()
        mine.wait_for_acquire(timeout=PATIENCE)
        assert sorted(mine) == list(parts)
        mine.finish()


@step
def data_watch(zk, path):
    seen = queue.Queue()
    zk.DataWatch(path + "/w", func=lambda data, stat: seen.put(data))
    assert next_of(seen) is None
    zk.create(path + "/w", b"one")
    until(seen, lambda data: data == b"one")
    zk.set(path + "/w", b"two")
    until(seen, lambda data: data == b"two")
    zk.delete(path + "/w")
    until(seen, lambda data: data is None)
    zk.create(path + "/w", b"again")
    until(seen, lambda data: data == b"again")


@step
def children_watch(zk, path):
    seen = queue.Queue()
    zk.create(path + "/c")
    zk.ChildrenWatch(path + "/c", func=lambda children: seen.put(sorted(children)))
    assert next_of(seen) == []
    for name in ("a", "b"):
        zk.create(path + "/c/" + name)
    until(seen, lambda children: children == ["a", "b"])
    zk.delete(path + "/c/a")
    until(seen, lambda children: children == ["b"])
    patient = PatientChildrenWatch(zk, path + "/c", time_boundary=0.1)
    children, changed = patient.start().get(timeout=PATIENCE)
    assert children == ["b"]
    zk.create(path + "/c/new")
    changed.get(timeout=PATIENCE)


@step
def tree_cache(zk, path):
    zk.ensure_path(path + "/t/a/b")
    cache, events = TreeCache(zk, path + "/t"), queue.Queue()
    cache.listen(events.put)
    cache.start()
    until(events, lambda event: event.event_type == TreeEvent.INITIALIZED)
    assert cache.get_children(path + "/t") == {"a"}
    of = lambda kind, where: lambda e: e.event_type == kind and e.event_data.path == where
    zk.create(path + "/t/a/b/c", b"leaf")
    until(events, of(TreeEvent.NODE_ADDED, path + "/t/a/b/c"))
    assert cache.get_data(path + "/t/a/b/c").data == b"leaf"
    zk.set(path + "/t/a", b"new")
    until(events, of(TreeEvent.NODE_UPDATED, path + "/t/a"))
    zk.delete(path + "/t/a/b/c")
    until(events, of(TreeEvent.NODE_REMOVED, path + "/t/a/b/c"))
    assert cache.get_data(path + "/t/a").data == b"new"
    cache.close()


def main():
    logging.basicConfig(level=logging.CRITICAL)
    failed = 0
    for function in STEPS:
        name = function.__name__
        path = "/tour/" + name
        try:
            with connected() as zk:
                zk.ensure_path(path)
                function(zk, path)
                zk.delete(path, recursive=True)
            print("ok", name, flush=True)
        except BaseException:
            traceback.print_exc(file=sys.stdout)
            print("failed", name, flush=True)
            failed += 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
