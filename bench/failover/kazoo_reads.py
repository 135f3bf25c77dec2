"""Python's Kazoo as a contender of failover.js; what it answers is said in kazoo-ts.js."""

import logging
import sys
import threading
import time

from kazoo.client import KazooClient

REST = 0.001

logging.disable(logging.CRITICAL)


class Reads:
    def __init__(self):
        self.lock = threading.Lock()
        self.client = None
        self.since = None
        self.answered = []

    def run(self, client):
        while self.client is client:
            sent_at = time.monotonic_ns()
            try:
                client.get("/zookeeper")
            except Exception:
                continue
            with self.lock:
                self.answered.append((sent_at, time.monotonic_ns()))
                if self.since is None and len(self.answered) > 4000:
                    del self.answered[:2000]
                self.look()
            time.sleep(REST)

    def ask(self, moment):
        with self.lock:
            self.since = moment
            self.look()

    def look(self):
        if self.since is None:
            return
        for sent_at, answered_at in self.answered:
            if sent_at > self.since:
                self.since = None
                self.answered = []
                say(f"answered {answered_at}")
                return


def say(line):
    print(line, flush=True)


reads = Reads()
say("ready")
for line in sys.stdin:
    order, _, argument = line.strip().partition(" ")
    if order == "open":
        client = KazooClient(hosts=argument, timeout=10, randomize_hosts=False)
        client.start(timeout=30)
        reads.client = client
        say("open")
        threading.Thread(target=reads.run, args=(client,), daemon=True).start()
    elif order == "since":
        reads.ask(int(argument))
    elif order == "close":
        client, reads.client = reads.client, None
        client.stop()
        client.close()
        say("closed")
