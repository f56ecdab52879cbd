package agent;

import com.google.protobuf.Duration;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Knows until when the lease certainly stands: a TTL after the newest acknowledged beat was
 * <em>sent</em>, which is earlier than when it arrived. It outlives streams, as the lease does.
 */
final class LeaseWatch {
  private final SortedMap<Long, Long> sent = new TreeMap<>();
  private long ttl = Long.MAX_VALUE;
  private long newest = System.nanoTime();

  /** Takes a lease that runs from a call that was sent then; its stream counts beats anew. */
  synchronized void granted(Duration length, long since) {
    sent.clear();
    ttl = nanos(length);
    newest = since;
  }

  synchronized void sending(long seq) {
    sent.put(seq, System.nanoTime());
  }

  synchronized void acknowledged(long seq) {
    var known = sent.headMap(seq + 1);
    if (!known.isEmpty()) {
      newest = Math.max(newest, known.get(known.lastKey()));
      known.clear();
    }
  }

  synchronized boolean lost() {
    return System.nanoTime() - newest >= ttl;
  }

  static long nanos(Duration duration) {
    return duration.getSeconds() * 1_000_000_000L + duration.getNanos();
  }
}
