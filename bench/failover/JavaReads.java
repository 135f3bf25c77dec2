import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.client.StaticHostProvider;

/** ZooKeeper's own client as a contender of failover.js; what it answers is said in kazoo-ts.js. */
public final class JavaReads {

    private static final int REST = 1;
    private static final int SESSION_TIMEOUT = 10_000;

    private record Read(long sentAt, long answeredAt) {
    }

    private List<Read> answered = new ArrayList<>();
    private long since = Long.MAX_VALUE;
    private volatile ZooKeeper zk;

    public static void main(String[] args) throws Exception {
        new JavaReads().run();
    }

    private void run() throws Exception {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        say("ready");
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] words = line.split(" ");
            switch (words[0]) {
                case "open" -> {
                    ZooKeeper opened = open(words[1]);
                    zk = opened;
                    say("open");
                    Thread reader = new Thread(() -> read(opened));
                    reader.setDaemon(true);
                    reader.start();
                }
                case "since" -> ask(Long.parseLong(words[1]));
                case "close" -> {
                    ZooKeeper closing = zk;
                    zk = null;
                    closing.close();
                    say("closed");
                }
                default -> throw new IllegalArgumentException(line);
            }
        }
    }

    private static ZooKeeper open(String hosts) throws IOException, InterruptedException {
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeper zk = new ZooKeeper(hosts, SESSION_TIMEOUT, event -> {
            if (event.getState() == KeeperState.SyncConnected) {
                connected.countDown();
            }
        }, false, inOrder(hosts));
        connected.await();
        return zk;
    }

    /** The client shuffles its servers: the seed is looked for that leaves the first one first. */
    private static StaticHostProvider inOrder(String hosts) {
        List<InetSocketAddress> servers = new ArrayList<>();
        for (String host : hosts.split(",")) {
            int colon = host.lastIndexOf(':');
            String name = host.substring(0, colon);
            servers.add(InetSocketAddress.createUnresolved(name, Integer.parseInt(host.substring(colon + 1))));
        }
        for (long seed = 0;; seed++) {
            if (new StaticHostProvider(servers, seed).next(0).getPort() == servers.get(0).getPort()) {
                return new StaticHostProvider(servers, seed);
            }
        }
    }

    private void read(ZooKeeper client) {
        while (zk == client) {
            long sentAt = System.nanoTime();
            try {
                client.getData("/zookeeper", false, null);
                note(new Read(sentAt, System.nanoTime()));
                Thread.sleep(REST);
            } catch (KeeperException e) {
                // Again, at once.
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private synchronized void note(Read read) {
        answered.add(read);
        if (since == Long.MAX_VALUE && answered.size() > 4_000) {
            answered = new ArrayList<>(answered.subList(2_000, answered.size()));
        }
        look();
    }

    private synchronized void ask(long moment) {
        since = moment;
        look();
    }

    private void look() {
        for (Read read : answered) {
            if (read.sentAt() > since) {
                since = Long.MAX_VALUE;
                answered = new ArrayList<>();
                say("answered " + read.answeredAt());
                return;
            }
        }
    }

    private static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
