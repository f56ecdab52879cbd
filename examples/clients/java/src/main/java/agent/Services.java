package agent;

import com.phoenixdma.v1.AssignmentServiceGrpc;
import com.phoenixdma.v1.HandoffServiceGrpc;
import com.phoenixdma.v1.RegistryServiceGrpc;
import com.phoenixdma.v1.SessionServiceGrpc;
import com.phoenixdma.v1.StateServiceGrpc;
import io.grpc.Channel;

/** The services of the runtime, all behind one address, each call with the agent's credential. */
final class Services {
  final Credential credential;
  final RegistryServiceGrpc.RegistryServiceBlockingStub registry;
  final SessionServiceGrpc.SessionServiceStub sessions;
  final AssignmentServiceGrpc.AssignmentServiceBlockingStub tasks;
  final HandoffServiceGrpc.HandoffServiceBlockingStub handoffs;
  final StateServiceGrpc.StateServiceBlockingStub state;

  Services(Channel channel, Credential credential) {
    this.credential = credential;
    registry = RegistryServiceGrpc.newBlockingStub(channel).withCallCredentials(credential);
    sessions = SessionServiceGrpc.newStub(channel).withCallCredentials(credential);
    tasks = AssignmentServiceGrpc.newBlockingStub(channel).withCallCredentials(credential);
    handoffs = HandoffServiceGrpc.newBlockingStub(channel).withCallCredentials(credential);
    state = StateServiceGrpc.newBlockingStub(channel).withCallCredentials(credential);
  }
}
