package agent;

import com.phoenixdma.v1.EnrolRequest;
import com.phoenixdma.v1.IdentityServiceGrpc;
import com.phoenixdma.v1.RenewCredentialRequest;
import io.grpc.CallCredentials;
import io.grpc.Channel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Instant;
import java.util.concurrent.Executor;

/** A short-lived token, renewed after half of its life, in the metadata key "authorization". */
final class Credential extends CallCredentials {
  static final String OWNER = "data-governance";
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final IdentityServiceGrpc.IdentityServiceBlockingStub identity;
  private final String enrolment;
  private final String participant;
  private String value = "";
  private Instant renews = Instant.MIN;
  private Instant lapses = Instant.MIN;

  Credential(Channel channel, String enrolment, String participant) {
    this.identity = IdentityServiceGrpc.newBlockingStub(channel);
    this.enrolment = enrolment;
    this.participant = participant;
  }

  /** The present token; throws StatusRuntimeException where none can be had. */
  synchronized String token() {
    if (Instant.now().isAfter(renews)) {
      try {
        renew();
      } catch (StatusRuntimeException away) {
        if (Instant.now().isAfter(lapses)) {
          throw away;
        } // else the present one still holds, and the next call tries again
      }
    }
    return value;
  }

  private void renew() {
    if (Instant.now().isBefore(lapses)) {
      try {
        var answer = identity.withCallCredentials(bearer(value))
            .renewCredential(RenewCredentialRequest.getDefaultInstance());
        take(answer.getCredential(), answer.getExpireTime().getSeconds());
        return;
      } catch (StatusRuntimeException refused) {
        Main.log("not renewed, so enrolled anew: %s", refused.getStatus());
      }
    }
    var wanted = EnrolRequest.newBuilder().setParticipantId(participant).setOwner(OWNER).build();
    var answer = identity.withCallCredentials(bearer(enrolment)).enrol(wanted);
    take(answer.getCredential(), answer.getExpireTime().getSeconds());
  }

  private void take(String token, long expires) {
    value = token;
    lapses = Instant.ofEpochSecond(expires);
    renews = Instant.now().plusSeconds((expires - Instant.now().getEpochSecond()) / 2);
  }

  @Override
  public void applyRequestMetadata(RequestInfo info, Executor executor, MetadataApplier applier) {
    executor.execute(() -> {
      try {
        applier.apply(header(token()));
      } catch (StatusRuntimeException refused) {
        applier.fail(Status.UNAUTHENTICATED.withCause(refused));
      }
    });
  }

  private static Metadata header(String token) {
    Metadata headers = new Metadata();
    headers.put(AUTHORIZATION, "Bearer " + token);
    return headers;
  }

  private static CallCredentials bearer(String token) {
    return new CallCredentials() {
      @Override
      public void applyRequestMetadata(RequestInfo info, Executor executor, MetadataApplier applier) {
        applier.apply(header(token));
      }
    };
  }
}
