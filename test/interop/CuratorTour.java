import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.curator.RetryPolicy;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicInteger;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.atomic.PromotedToLock;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.cache.NodeCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCacheEvent;
import org.apache.curator.framework.recipes.cache.TreeCache;
import org.apache.curator.framework.recipes.cache.TreeCacheEvent;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.locks.InterProcessLock;
import org.apache.curator.framework.recipes.locks.InterProcessMultiLock;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreMutex;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.nodes.PersistentTtlNode;
import org.apache.curator.framework.recipes.queue.DistributedDelayQueue;
import org.apache.curator.framework.recipes.queue.DistributedIdQueue;
import org.apache.curator.framework.recipes.queue.DistributedPriorityQueue;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.framework.recipes.shared.SharedCountListener;
import org.apache.curator.framework.recipes.shared.SharedCountReader;
import org.apache.curator.framework.recipes.shared.SharedValue;
import org.apache.curator.framework.recipes.watch.PersistentWatcher;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.ExponentialBackoffRetry;
import org.apache.curator.retry.RetryNTimes;
import org.apache.curator.x.discovery.ServiceCache;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceProvider;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.data.Stat;

/**
 * Apache Curator on a server that it does not know: its client and every recipe, one step after the other.
 *
 * <pre>java -cp 'jars/*' CuratorTour.java 127.0.0.1:2181</pre>
 *
 * Prints {@code ok NAME} for each step, and a stack trace and {@code failed NAME} for one that fails; the exit status is
 * the number of these.
 */
public class CuratorTour {
    interface Step {
        void run(CuratorFramework zk, CuratorFramework other, String path) throws Exception;
    }

    /** Seconds. Nothing is slow here: it only ends what would wait for ever. */
    static final int PATIENCE = 20;

    static final ExecutorService threads = Executors.newCachedThreadPool(work -> {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        return thread;
    });

    static CuratorFramework connect(String hosts) throws Exception {
        CuratorFramework zk =
                CuratorFrameworkFactory.newClient(hosts, 10_000, 10_000, new ExponentialBackoffRetry(50, 5));
        zk.start();
        check(zk.blockUntilConnected(PATIENCE, TimeUnit.SECONDS));
        return zk;
    }

    static void check(boolean holds) {
        if (!holds) throw new AssertionError("does not hold");
    }

    static void same(Object actual, Object expected) {
        if (!expected.equals(actual)) throw new AssertionError(actual + " rather than " + expected);
    }

    static void raises(Class<? extends Exception> kind, Callable<?> work) throws Exception {
        try {
            work.call();
        } catch (Exception error) {
            if (kind.isInstance(error)) return;
            throw error;
        }
        throw new AssertionError("no " + kind.getName());
    }

    static <T> T next(BlockingQueue<T> queue) throws Exception {
        T value = queue.poll(PATIENCE, TimeUnit.SECONDS);
        if (value == null) throw new TimeoutException("nothing came");
        return value;
    }

    static <T> void until(BlockingQueue<T> queue, T wanted) throws Exception {
        while (!next(queue).equals(wanted)) {}
    }

    static <T> Future<T> beside(Callable<T> work) {
        return threads.submit(work);
    }

    static <T> T join(Future<T> future) throws Exception {
        return future.get(PATIENCE, TimeUnit.SECONDS);
    }

    static void eventually(Callable<Boolean> holds) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE);
        while (!holds.call()) {
            if (System.nanoTime() > end) throw new TimeoutException("it never held");
            TimeUnit.MILLISECONDS.sleep(5);
        }
    }

    static byte[] bytes(String text) {
        return text.getBytes();
    }

    // The client

    static void znodes(CuratorFramework zk, CuratorFramework other, String path) throws Exception {
        same(zk.create().forPath(path + "/a", bytes("one")), path + "/a");
        same(new String(zk.getData().forPath(path + "/a")), "one");
        same(zk.setData().withVersion(0).forPath(path + "/a", bytes("two")).getVersion(), 1);
        raises(KeeperException.BadVersionException.class, () -> zk.setData().withVersion(0).forPath(path + "/a"));
        zk.create().creatingParentContainersIfNeeded().forPath(path + "/x/y/z");
        check(zk.create().withProtection().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath(path + "/p").contains("_c_"));
        Stat stat = new Stat();
        zk.create().storingStatIn(stat).withMode(CreateMode.CONTAINER).forPath(path + "/container");
        check(stat.getCzxid() > 0);
        zk.create().withTtl(3_600_000).withMode(CreateMode.PERSISTENT_WITH_TTL).forPath(path + "/ttl");
        zk.create().orSetData().forPath(path + "/a", bytes("three"));
        same(new String(zk.getData().forPath(path + "/a")), "three");
        raises(KeeperException.NotEmptyException.class, () -> zk.delete().forPath(path + "/x"));
        zk.delete().guaranteed().deletingChildrenIfNeeded().forPath(path + "/x");
        zk.delete().quietly().forPath(path + "/x");
        check(zk.checkExists().forPath(path + "/x") == null);
        zk.create().compressed().forPath(path + "/gz", bytes("z".repeat(10_000)));
        same(new String(zk.getData().decompressed().forPath(path + "/gz")).length(), 10_000);
        check(zk.getConfig().forEnsemble() != null);
        zk.sync().forPath(path);
    }

    static void transactions(CuratorFramework zk, CuratorFramework other, String path) throws Exception {
        List<CuratorTransactionResult> results = zk.transaction()
                .forOperations(
                        zk.transactionOp().create().forPath(path + "/a", bytes("x")),
                        zk.transactionOp().check().withVersion(0).forPath(path + "/a"),
                        zk.transactionOp().setData().forPath(path + "/a", bytes("y")),
                        zk.transactionOp().create().withMode(CreateMode.CONTAINER).forPath(path + "/b"),
                        zk.transactionOp().delete().forPath(path + "/b"));
        same(results.size(), 5);
        same(results.get(2).getResultStat().getVersion(), 1);
        raises(KeeperException.NoNodeException.class, () -> zk.transaction()
                .forOperations(
                        zk.transactionOp().create().forPath(path + "/c"),
                        zk.transactionOp().delete().forPath(path + "/missing")));
        check(zk.checkExists().forPath(path + "/c") == null);
    }

    static void watches(CuratorFramework zk, CuratorFramework other, String path) throws Exception {
        BlockingQueue<Watcher.Event.EventType> seen = new LinkedBlockingQueue<>();
        zk.checkExists().usingWatcher((Watcher) event -> seen.add(event.getType())).forPath(path + "/a");
        other.create().forPath(path + "/a");
        same(next(seen), Watcher.Event.EventType.NodeCreated);
        zk.getData().usingWatcher((Watcher) event -> seen.add(event.getType())).forPath(path + "/a");
        zk.watchers().removeAll().forPath(path + "/a");
        same(next(seen), Watcher.Event.EventType.DataWatchRemoved);
        BlockingQueue<String> paths = new LinkedBlockingQueue<>();
        try (PersistentWatcher watcher = new PersistentWatcher(zk, path, true)) {
            CountDownLatch set = new CountDownLatch(1);
            watcher.getResetListenable().addListener(set::countDown);
            watcher.getListenable().addListener(event -> paths.add(event.getType() + " " + event.getPath()));
            watcher.start();
            check(set.await(PATIENCE, TimeUnit.SECONDS));
            other.create().creatingParentsIfNeeded().forPath(path + "/b/c");
            other.setData().forPath(path + "/b", bytes("x"));
            for (String line : List.of("NodeCreated " + path + "/b", "NodeCreated " + path + "/b/c")) same(next(paths), line);
            same(next(paths), "NodeDataChanged " + path + "/b");
        }
    }

    static void sessions(CuratorFramework zk, CuratorFramework unused, String path) throws Exception {
        BlockingQueue<ConnectionState> states = new LinkedBlockingQueue<>();
        try (CuratorFramework mine = connect(zk.getZookeeperClient().getCurrentConnectionString())) {
            mine.getConnectionStateListenable().addListener((client, state) -> states.add(state));
            PersistentNode node = new PersistentNode(mine, CreateMode.EPHEMERAL, false, path + "/n", bytes("n"));
            node.start();
            check(node.waitForInitialCreate(PATIENCE, TimeUnit.SECONDS));
            long session = mine.getZookeeperClient().getZooKeeper().getSessionId();
            byte[] password = mine.getZookeeperClient().getZooKeeper().getSessionPasswd();
            CountDownLatch gone = new CountDownLatch(1);
            zk.checkExists().usingWatcher((Watcher) event -> gone.countDown()).forPath(path + "/n");
            // Another process takes the session over and closes it. The first one takes it back when it is quicker to
            // connect again than the other is to close it.
            for (int i = 0; i < PATIENCE && gone.getCount() > 0; i++) {
                CountDownLatch connected = new CountDownLatch(1);
                org.apache.zookeeper.ZooKeeper thief = new org.apache.zookeeper.ZooKeeper(
                        zk.getZookeeperClient().getCurrentConnectionString(),
                        10_000,
                        event -> connected.countDown(),
                        session,
                        password);
                check(connected.await(PATIENCE, TimeUnit.SECONDS));
                thief.close();
                gone.await(1, TimeUnit.SECONDS);
            }
            same(gone.getCount(), 0L);
            until(states, ConnectionState.LOST);
            until(states, ConnectionState.RECONNECTED);
            eventually(() -> {
                Stat stat = zk.checkExists().forPath(path + "/n");
                return stat != null && stat.getEphemeralOwner() != session;
            });
            node.close();
        }
    }

    /** On an ensemble whose member 1 does not lead. Curator follows its members of its own accord. */
    static void ensembleTracker(CuratorFramework zk, CuratorFramework unused, String path) throws Exception {
        String[] config = new String(zk.getConfig().forEnsemble()).split("\n");
        String first = config[0];
        String client = first.substring(first.indexOf(';') + 1);
        Callable<Boolean> isKnown =
                () -> List.of(zk.getZookeeperClient().getCurrentConnectionString().split(",")).contains(client);
        eventually(() -> zk.getCurrentConfig().getAllMembers().size() == 3);
        check(isKnown.call());
        try (CuratorFramework admin = CuratorFrameworkFactory.builder()
                .connectString(zk.getZookeeperClient().getCurrentConnectionString())
                .retryPolicy(new ExponentialBackoffRetry(50, 5))
                .authorization("digest", bytes("super:admin"))
                .build()) {
            admin.start();
            long version = Long.parseLong(config[3].substring("version=".length()), 16);
            byte[] without = admin.reconfig().leaving("1").fromConfig(version).forEnsemble();
            check(!new String(without).contains(first));
            eventually(() -> !isKnown.call());
            raises(
                    KeeperException.BadVersionException.class,
                    () -> admin.reconfig().joining(first).fromConfig(version).forEnsemble());
            check(new String(admin.reconfig().joining(first).forEnsemble()).contains(first));
            eventually(isKnown);
            byte[] same = admin.reconfig().withNewMembers(config[0], config[1], config[2]).forEnsemble();
            same(List.of(new String(same).split("\n")).subList(0, 3), List.of(config).subList(0, 3));
        }
    }

    // Locks

    static void exclude(InterProcessLock mine, InterProcessLock theirs) throws Exception {
        check(mine.acquire(PATIENCE, TimeUnit.SECONDS));
        check(!join(beside(() -> theirs.acquire(50, TimeUnit.MILLISECONDS))));
        Future<Boolean> waiting = beside(() -> {
            boolean got = theirs.acquire(PATIENCE, TimeUnit.SECONDS);
            theirs.release();
            return got;
        });
        mine.release();
        check(join(waiting));
    }

    static void mutex(CuratorFramework zk, CuratorFramework other, String path) throws Exception {
        InterProcessMutex mine = new InterProcessMutex(zk, path + "/m");
        mine.acquire();
        mine.acquire(); // reentrant
        same(mine.getParticipantNodes().size(), 1);
        mine.release();
        mine.release();
        exclude(mine, new InterProcessMutex(other, path + "/m"));
    }

    static void semaphoreMutex(CuratorFramework zk, CuratorFramework other, String path) throws Exception {
        exclude(new InterProcessSemaphoreMutex(zk, path + "/m"), new InterProcessSemaphoreMutex(other, path + "/m"));
    }

    static void multiLock(CuratorFramework zk, CuratorFramework other, String path) throws Exception {
        List<String> both = List.of(path + "/1", path + "/2");
        exclude(new InterProcessMultiLock(zk, both), new InterProcessMultiLock(other, both));
    }

    static void readWriteLock(CuratorFramework zk, CuratorFramework other, String path) throws Exception {
        InterProcessReadWriteLock mine = new InterProcessReadWriteLock(zk, path + "/rw");
        InterProcessReadWriteLock theirs = new InterProcessReadWriteLock(other, path + "/rw");
        check(mine.readLock().acquire(PATIENCE, TimeUnit.SECONDS));
        check(theirs.readLock().acquire(PATIENCE, TimeUnit.SECONDS));
        check(!join(beside(() -> theirs.writeLock().acquire(50, TimeUnit.MILLISECONDS))));
        mine.readLock().release();
        theirs.readLock().release();
        exclude(mine.writeLock(), theirs.readLock());
        exclude(mine.writeLock(), theirs.writeLock());
    }

    static void semaphore(CuratorFramework zk, CuratorFramework other, String path) throws Exception {
        InterProcessSemaphoreV2 mine = new InterProcessSemaphoreV2(zk, path + "/s", 2);
        InterProcessSemaphoreV2 theirs = new InterProcessSemaphoreV2(other, path + "/s", 2);
        Lease first = mine.acquire();
        Lease second = theirs.acquire(PATIENCE, TimeUnit.SECONDS);
        check(second != null && theirs.acquire(50, TimeUnit.MILLISECONDS) == null);
        Future<Lease> waiting = beside(() -> theirs.acquire(PATIENCE, TimeUnit.SECONDS));
        mine.returnLease(first);
        check(join(waiting) != null);
        theirs.returnLease(second);
        try (SharedCount permits = new SharedCount(zk, path + "/permits", 1)) {
            permits.start();
            InterProcessSemaphoreV2 counted = new InterProcessSemaphoreV2(zk, path + "/counted", permits);
            counted.returnAll(counted.acquire(1));
        }
    }

    // Leaders

    static void leaderLatch(CuratorFramework zk, CuratorFramework other, String path) throws Exception {
        LeaderLatch first = new LeaderLatch(zk, path + "/latch", "first");
        first.start();
        check(first.await(PATIENCE, TimeUnit.SECONDS));
        try (LeaderLatch second = new LeaderLatch(other, path + "/latch", "second")) {
            second.start();
            eventually(() -> second.getParticipants().size() == 2);
            same(second.getLeader().getId(), "first");
            check(!second.hasLeadership());
            first.close();
            check(second.await(PATIENCE, TimeUnit.SECONDS));
        }
    }

    static void leaderSelector(CuratorFramework zk, CuratorFramework other, String path) throws Exception {
        BlockingQueue<String> order = new LinkedBlockingQueue<>();
        List<LeaderSelector> selectors = new ArrayList<>();
        for (Map.Entry<String, CuratorFramework> each : Map.of("a", zk, "b", other).entrySet()) {
            selectors.add(new LeaderSelector(each.getValue(), path + "/l", new LeaderSelectorListenerAdapter() {
                @Override
                public void takeLeadership(CuratorFramework client) {
                    order.add(each.getKey());
                }
            }));
        }
        for (LeaderSelector each : selectors) {
            each.autoRequeue();
            each.start();
        }
        until(order, "a");
        until(order, "b");
        until(order, "a");
        for (LeaderSelector each : selectors) each.close();
    }

    // Barriers and counters

    static void barrier(CuratorFramework zk, CuratorFramework other, String path) throws Exception {
        DistributedBarrier mine = new DistributedBarrier(zk, path + "/b");
        mine.setBarrier();
        DistributedBarrier theirs = new DistributedBarrier(other, path + "/b");
        check(!theirs.waitOnBarrier(50, TimeUnit.MILLISECONDS));
        Future<Boolean> waiting = beside(() -> theirs.waitOnBarrier(PATIENCE, TimeUnit.SECONDS));
        mine.removeBarrier();
        check(join(waiting));
    }

    static void doubleBarrier(CuratorFramework zk, CuratorFramework other, String path) throws Exception {
        List<Future<Boolean>> running = new ArrayList<>();
        for (CuratorFramework client : List.of(zk, other, zk)) {
            DistributedDoubleBarrier gate = new DistributedDoubleBarrier(client, path + "/d", 3);
            running.add(beside(
                    () -> gate.enter(PATIENCE, TimeUnit.SECONDS) && gate.leave(PATIENCE, TimeUnit.SECONDS)));
        }
        for (Future<Boolean> each : running) check(join(each));
    }

    static void sharedCount(CuratorFramework zk, CuratorFramework other, String path) throws Exception {
        BlockingQueue<Integer> seen = new LinkedBlockingQueue<>();
        try (SharedCount mine = new SharedCount(zk, path + "/c", 7);
                SharedCount theirs = new SharedCount(other, path + "/c", 9)) {
            theirs.addListener(new SharedCountListener() {
                @Override
                public void countHasChanged(SharedCountReader count, int value) {
                    seen.add(value);
                }

                @Override
                public void stateChanged(CuratorFramework client, ConnectionState state) {}
            });
            mine.start();
            theirs.start();
            same(theirs.getCount(), 7);
            check(mine.trySetCount(mine.getVersionedValue(), 8));
            until(seen, 8);
            mine.setCount(10);
            until(seen, 10);
            eventually(() -> theirs.getVersionedValue().getValue() == 10);
            check(theirs.trySetCount(theirs.getVersionedValue(), 11));
        }
        try (SharedValue value = new SharedValue(zk, path + "/v", bytes("seed"))) {
            value.start();
            value.setValue(bytes("new"));
            same(new String(value.getValue()), "new");
        }
    }

    static void atomicNumbers(CuratorFramework zk, CuratorFramework other, String path) throws Exception {
        RetryPolicy retry = new RetryNTimes(100, 2);
        List<Future<Boolean>> running = new ArrayList<>();
        for (CuratorFramework client : List.of(zk, other)) {
            PromotedToLock lock = PromotedToLock.builder()
                    .lockPath(path + "/lock")
                    .timeout(PATIENCE, TimeUnit.SECONDS)
                    .build();
            DistributedAtomicLong number = new DistributedAtomicLong(client, path + "/n", retry, lock);
            running.add(beside(() -> {
                for (int i = 0; i < 25; i++) check(number.increment().succeeded());
                return true;
            }));
        }
        for (Future<Boolean> each : running) check(join(each));
        DistributedAtomicLong number = new DistributedAtomicLong(zk, path + "/n", retry);
        same(number.get().postValue(), 50L);
        check(number.compareAndSet(50L, 60L).succeeded() && !number.compareAndSet(50L, 70L).succeeded());
        DistributedAtomicInteger small = new DistributedAtomicInteger(zk, path + "/i", retry);
        check(small.initialize(5) && !small.initialize(6));
        same(small.subtract(2).postValue(), 3);
    }

    // Znodes that stay, and groups

    static void persistentNodes(CuratorFramework zk, CuratorFramework other, String path) throws Exception {
        try (PersistentNode node = new PersistentNode(zk, CreateMode.EPHEMERAL, false, path + "/n", bytes("mine"))) {
            node.start();
            check(node.waitForInitialCreate(PATIENCE, TimeUnit.SECONDS));
            long made = other.checkExists().forPath(path + "/n").getCzxid();
            other.delete().forPath(path + "/n");
            eventually(() -> {
                Stat stat = other.checkExists().forPath(path + "/n");
                return stat != null && stat.getCzxid() > made;
            });
        }
        try (PersistentTtlNode node = new PersistentTtlNode(zk, path + "/ttl", 60_000, bytes("mine"))) {
            node.start();
            check(node.waitForInitialCreate(PATIENCE, TimeUnit.SECONDS));
        }
    }

    static void groupMember(CuratorFramework zk, CuratorFramework other, String path) throws Exception {
        try (GroupMember mine = new GroupMember(zk, path + "/g", "me", bytes("data"));
                GroupMember theirs = new GroupMember(other, path + "/g", "they")) {
            mine.start();
            theirs.start();
            eventually(() -> theirs.getCurrentMembers().keySet().equals(Set.of("me", "they")));
            same(new String(theirs.getCurrentMembers().get("me")), "data");
            mine.close();
            eventually(() -> theirs.getCurrentMembers().keySet().equals(Set.of("they")));
        }
    }

    // Caches

    static void curatorCache(CuratorFramework zk, CuratorFramework other, String path) throws Exception {
        BlockingQueue<String> seen = new LinkedBlockingQueue<>();
        other.create().creatingParentsIfNeeded().forPath(path + "/t/a/b", bytes("leaf"));
        try (CuratorCache cache = CuratorCache.build(zk, path + "/t")) {
            cache.listenable().addListener(CuratorCacheListener.builder()
                    .forInitialized(() -> seen.add("initialized"))
                    .forCreates(node -> seen.add("created " + node.getPath()))
                    .forChanges((before, after) -> seen.add("changed " + after.getPath()))
                    .forDeletes(node -> seen.add("deleted " + node.getPath()))
                    .build());
            cache.start();
            until(seen, "initialized");
            same(cache.size(), 3);
            other.create().forPath(path + "/t/new");
            until(seen, "created " + path + "/t/new");
            other.setData().forPath(path + "/t/a", bytes("x"));
            until(seen, "changed " + path + "/t/a");
            other.delete().forPath(path + "/t/a/b");
            until(seen, "deleted " + path + "/t/a/b");
            check(cache.get(path + "/t/a").isPresent() && cache.get(path + "/t/a/b").isEmpty());
        }
    }

    @SuppressWarnings("deprecation")
    static void olderCaches(CuratorFramework zk, CuratorFramework other, String path) throws Exception {
        BlockingQueue<String> seen = new LinkedBlockingQueue<>();
        zk.create().forPath(path + "/c");
        try (PathChildrenCache cache = new PathChildrenCache(zk, path + "/c", true)) {
            cache.getListenable().addListener((client, event) -> seen.add(event.getType().toString()));
            cache.start(PathChildrenCache.StartMode.POST_INITIALIZED_EVENT);
            until(seen, PathChildrenCacheEvent.Type.INITIALIZED.toString());
            other.create().forPath(path + "/c/x");
            until(seen, PathChildrenCacheEvent.Type.CHILD_ADDED.toString());
            other.setData().forPath(path + "/c/x", bytes("x"));
            until(seen, PathChildrenCacheEvent.Type.CHILD_UPDATED.toString());
            other.delete().forPath(path + "/c/x");
            until(seen, PathChildrenCacheEvent.Type.CHILD_REMOVED.toString());
        }
        try (TreeCache cache = new TreeCache(zk, path + "/c")) {
            cache.getListenable().addListener((client, event) -> seen.add(event.getType().toString()));
            cache.start();
            until(seen, TreeCacheEvent.Type.INITIALIZED.toString());
            other.create().creatingParentsIfNeeded().forPath(path + "/c/deep/er");
            eventually(() -> cache.getCurrentData(path + "/c/deep/er") != null);
            other.delete().deletingChildrenIfNeeded().forPath(path + "/c/deep");
            until(seen, TreeCacheEvent.Type.NODE_REMOVED.toString());
        }
        try (NodeCache cache = new NodeCache(zk, path + "/c")) {
            cache.start(true);
            other.setData().forPath(path + "/c", bytes("changed"));
            eventually(() -> new String(cache.getCurrentData().getData()).equals("changed"));
        }
    }

    // Queues

    static final class Consumer implements QueueConsumer<String> {
        final BlockingQueue<String> consumed = new LinkedBlockingQueue<>();

        @Override
        public void consumeMessage(String message) {
            consumed.add(message);
        }

        @Override
        public void stateChanged(CuratorFramework client, ConnectionState state) {}
    }

    static final QueueSerializer<String> TEXT = new QueueSerializer<>() {
        @Override
        public byte[] serialize(String item) {
            return bytes(item);
        }

        @Override
        public String deserialize(byte[] data) {
            return new String(data);
        }
    };

    static void queues(CuratorFramework zk, CuratorFramework other, String path) throws Exception {
        Consumer consumer = new Consumer();
        try (DistributedQueue<String> source = QueueBuilder.builder(zk, null, TEXT, path + "/q").buildQueue();
                DistributedQueue<String> sink = QueueBuilder.builder(other, consumer, TEXT, path + "/q")
                        .lockPath(path + "/q-lock")
                        .buildQueue()) {
            source.start();
            sink.start();
            for (int i = 0; i < 20; i++) source.put("item " + i);
            Set<String> got = new TreeSet<>();
            while (got.size() < 20) got.add(next(consumer.consumed));
        }
        try (DistributedIdQueue<String> line = QueueBuilder.builder(zk, null, TEXT, path + "/id").buildIdQueue()) {
            line.start();
            line.put("a", "id");
            check(line.flushPuts(PATIENCE, TimeUnit.SECONDS));
            same(line.remove("id"), 1);
        }
        try (DistributedPriorityQueue<String> line =
                QueueBuilder.builder(zk, consumer, TEXT, path + "/prio").buildPriorityQueue(1)) {
            line.start();
            line.put("urgent", 1);
            line.put("idle", 99);
            until(consumer.consumed, "idle");
        }
        try (DistributedDelayQueue<String> line =
                QueueBuilder.builder(zk, consumer, TEXT, path + "/delay").buildDelayQueue()) {
            line.start();
            line.put("late", System.currentTimeMillis() + 50);
            until(consumer.consumed, "late");
        }
        SimpleDistributedQueue simple = new SimpleDistributedQueue(zk, path + "/simple");
        check(simple.poll() == null && simple.offer(bytes("x")));
        same(new String(simple.peek()), "x");
        same(new String(simple.take()), "x");
        Future<byte[]> waiting = beside(() -> new SimpleDistributedQueue(other, path + "/simple").take());
        simple.offer(bytes("late"));
        same(new String(join(waiting)), "late");
    }

    // Service discovery

    static void serviceDiscovery(CuratorFramework zk, CuratorFramework other, String path) throws Exception {
        ServiceInstance<Void> instance =
                ServiceInstance.<Void>builder().name("web").address("localhost").port(80).build();
        try (ServiceDiscovery<Void> mine = ServiceDiscoveryBuilder.builder(Void.class)
                        .client(zk)
                        .basePath(path + "/sd")
                        .thisInstance(instance)
                        .build();
                ServiceDiscovery<Void> theirs =
                        ServiceDiscoveryBuilder.builder(Void.class).client(other).basePath(path + "/sd").build()) {
            mine.start();
            theirs.start();
            same(List.copyOf(theirs.queryForNames()), List.of("web"));
            try (ServiceCache<Void> cache = theirs.serviceCacheBuilder().name("web").build();
                    ServiceProvider<Void> provider =
                            theirs.serviceProviderBuilder().serviceName("web").build()) {
                cache.start();
                provider.start();
                eventually(() -> provider.getInstance() != null);
                same(provider.getInstance().getPort(), 80);
                mine.unregisterService(instance);
                eventually(() -> cache.getInstances().isEmpty());
            }
        }
    }

    public static void main(String[] args) throws Exception {
        Map<String, Step> steps = new LinkedHashMap<>();
        steps.put("znodes", CuratorTour::znodes);
        steps.put("transactions", CuratorTour::transactions);
        steps.put("watches", CuratorTour::watches);
        steps.put("sessions", CuratorTour::sessions);
        steps.put("InterProcessMutex", CuratorTour::mutex);
        steps.put("InterProcessSemaphoreMutex", CuratorTour::semaphoreMutex);
        steps.put("InterProcessMultiLock", CuratorTour::multiLock);
        steps.put("InterProcessReadWriteLock", CuratorTour::readWriteLock);
        steps.put("InterProcessSemaphoreV2", CuratorTour::semaphore);
        steps.put("LeaderLatch", CuratorTour::leaderLatch);
        steps.put("LeaderSelector", CuratorTour::leaderSelector);
        steps.put("DistributedBarrier", CuratorTour::barrier);
        steps.put("DistributedDoubleBarrier", CuratorTour::doubleBarrier);
        steps.put("SharedCount", CuratorTour::sharedCount);
        steps.put("DistributedAtomicLong", CuratorTour::atomicNumbers);
        steps.put("PersistentNode", CuratorTour::persistentNodes);
        steps.put("GroupMember", CuratorTour::groupMember);
        steps.put("CuratorCache", CuratorTour::curatorCache);
        steps.put("PathChildrenCache, TreeCache, NodeCache", CuratorTour::olderCaches);
        steps.put("queues", CuratorTour::queues);
        steps.put("ServiceDiscovery", CuratorTour::serviceDiscovery);
        if (args.length > 1) {
            steps.clear();
            steps.put("EnsembleTracker", CuratorTour::ensembleTracker);
        }

        int failed = 0;
        int count = 0;
        for (Map.Entry<String, Step> step : steps.entrySet()) {
            String path = "/curator/" + ++count;
            try (CuratorFramework zk = connect(args[0]);
                    CuratorFramework other = connect(args[0])) {
                zk.create().creatingParentsIfNeeded().forPath(path, new byte[0]);
                step.getValue().run(zk, other, path);
                System.out.println("ok " + step.getKey());
            } catch (Throwable error) {
                error.printStackTrace(System.out);
                System.out.println("failed " + step.getKey());
                failed++;
            }
        }
        System.exit(failed);
    }
}
