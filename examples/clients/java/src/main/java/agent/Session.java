package agent;

import com.phoenixdma.v1.Attach;
import com.phoenixdma.v1.Beat;
import com.phoenixdma.v1.Beats;
import com.phoenixdma.v1.Directive;
import com.phoenixdma.v1.DirectiveAck;
import com.phoenixdma.v1.HealthState;
import com.phoenixdma.v1.KeepAliveRequest;
import com.phoenixdma.v1.KeepAliveResponse;
import com.phoenixdma.v1.Lease;
import com.phoenixdma.v1.LeaseLostReason;
import com.phoenixdma.v1.ParticipantDeclaration;
import com.phoenixdma.v1.Refresh;
import com.phoenixdma.v1.RegisterParticipantRequest;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** Keeps the participant registered and attached: one KeepAlive stream after the other. */
final class Session {
  private final String id;
  private final Services services;
  private final Work work;
  private final ExecutorService jobs = Executors.newCachedThreadPool();
  private final LeaseWatch lease = new LeaseWatch();
  private long generation;

  Session(String id, Services services, Work work) {
    this.id = id;
    this.services = services;
    this.work = work;
  }

  /** Registers, keeps a stream open, and does what the end of each stream asks for. */
  void stayAttached() throws InterruptedException {
    jobs.execute(this::watchLease);
    boolean mustRegister = true;
    while (true) {
      try {
        if (mustRegister) {
          register();
        }
        mustRegister = false;
        LeaseLostReason reason = new Stream().ended();
        switch (reason) {
          case LEASE_LOST_REASON_SUPERSEDED, LEASE_LOST_REASON_RETIRED -> {
            Main.log("the lease is lost for good: %s", reason);
            System.exit(1);
          }
          case LEASE_LOST_REASON_EXPIRED, LEASE_LOST_REASON_UNKNOWN -> {
            work.stopAll();
            mustRegister = true;
          }
          // Attaching is refused until an operator has reinstated it.
          case LEASE_LOST_REASON_SUSPENDED -> work.stopAll();
          // CREDENTIAL, SLOW_READER, or a broken connection: the lease still runs.
          default -> Main.log("the stream ended: %s", reason);
        }
      } catch (StatusRuntimeException refused) {
        Main.log("not attached: %s", refused.getStatus());
      }
      Thread.sleep(1000);
    }
  }

  /**
   * Stops the work as soon as the lease may have run out, whether or not there is a stream to hear
   * it on: the tasks are about to be given away.
   */
  private void watchLease() {
    while (true) {
      sleep(100_000_000);
      if (lease.lost() && work.stopAll() > 0) {
        Main.log("no beat was acknowledged for a lease's length; the work has stopped");
      }
    }
  }

  /** Makes the participant known, or known again: claims go up, a generation comes down. */
  private void register() {
    var declared = ParticipantDeclaration.newBuilder()
        .setId(id)
        .setType("agent")
        .setOwner(Credential.OWNER)
        .addCapabilities("duplicate_detection")
        .addAllPermissions(List.of("read_customer_master", "suggest_merge"))
        .addDataDomains("customer");
    var request = RegisterParticipantRequest.newBuilder().setParticipant(declared).build();
    long asked = System.nanoTime();
    var answer = services.registry.registerParticipant(request);
    generation = answer.getParticipant().getGeneration();
    lease.granted(answer.getLeaseTtl(), asked);
    Main.say("registered %s generation %d", id, generation);
  }

  /** One stream, from Attach until it ends. */
  private final class Stream implements StreamObserver<KeepAliveResponse> {
    private final CompletableFuture<LeaseLostReason> ended = new CompletableFuture<>();
    private final long attached = System.nanoTime();
    private final StreamObserver<KeepAliveRequest> up;
    private int slot;
    private boolean resumed;

    Stream() {
      up = services.sessions.keepAlive(this);
      send(KeepAliveRequest.newBuilder()
          .setAttach(Attach.newBuilder().setParticipantId(id).setGeneration(generation)));
    }

    LeaseLostReason ended() {
      return ended.join();
    }

    @Override
    public void onNext(KeepAliveResponse message) {
      switch (message.getMessageCase()) {
        case LEASE -> {
          slot = message.getLease().getSlot();
          lease.granted(message.getLease().getTtl(), attached);
          jobs.execute(() -> beat(message.getLease()));
        }
        case BEAT_ACK -> acknowledged(message.getBeatAck().getSeq());
        case DIRECTIVE -> jobs.execute(() -> carryOut(message.getDirective()));
        case LEASE_LOST -> ended.complete(message.getLeaseLost().getReason());
        default -> { }
      }
    }

    @Override
    public void onError(Throwable error) {
      Main.log("%s", error);
      ended.complete(LeaseLostReason.LEASE_LOST_REASON_UNSPECIFIED);
    }

    @Override
    public void onCompleted() {
      ended.complete(LeaseLostReason.LEASE_LOST_REASON_UNSPECIFIED);
    }

    /** A gRPC stream takes messages from one thread at a time. */
    private synchronized void send(KeepAliveRequest.Builder message) {
      if (!ended.isDone()) {
        up.onNext(message.build());
      }
    }

    /**
     * Sends the first beat at once and one each interval, until the stream ends or is known to be
     * dead: where no beat was acknowledged for the length of the lease, only a new one can help.
     */
    private void beat(Lease granted) {
      String token = "";
      for (long seq = 1; !ended.isDone(); seq++) {
        lease.sending(seq);
        var beat = Beat.newBuilder().setSlot(slot).setState(HealthState.HEALTH_STATE_SERVING);
        send(KeepAliveRequest.newBuilder().setBeats(Beats.newBuilder().setSeq(seq).addBeats(beat)));
        token = refreshed(token);
        sleep(LeaseWatch.nanos(granted.getInterval()));
        if (lease.lost() && ended.complete(LeaseLostReason.LEASE_LOST_REASON_UNSPECIFIED)) {
          up.onError(new IllegalStateException("silence"));
        }
      }
    }

    /** Sends the token where it is another one than that which the stream has. */
    private String refreshed(String known) {
      try {
        String token = services.credential.token();
        if (!known.isEmpty() && !token.equals(known)) {
          send(KeepAliveRequest.newBuilder()
              .setRefresh(Refresh.newBuilder().setSlot(slot).setCredential(token)));
        }
        return token;
      } catch (StatusRuntimeException away) {
        Main.log("no credential: %s", away.getStatus());
        return known; // beats go on, and the next one tries again
      }
    }

    private void acknowledged(long seq) {
      lease.acknowledged(seq);
      if (!resumed) { // the first beat has arrived: the participant is ACTIVE
        resumed = true;
        jobs.execute(() -> work.resume(generation));
      }
    }

    /** Carries a directive out and says so; until then it comes again. */
    private void carryOut(Directive directive) {
      String failure = "";
      try {
        work.carryOut(directive);
      } catch (StatusRuntimeException refused) {
        failure = refused.getStatus().toString();
        Main.log("%s %s: %s", directive.getAction(), directive.getTaskId(), failure);
      }
      var done = DirectiveAck.newBuilder()
          .setDirectiveId(directive.getDirectiveId())
          .setSlot(slot)
          .setError(failure);
      send(KeepAliveRequest.newBuilder().setDirectiveAck(done));
    }
  }

  private static void sleep(long nanos) {
    try {
      TimeUnit.NANOSECONDS.sleep(nanos);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }
}
