package agent;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.ListValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.rpc.ErrorInfo;
import com.phoenixdma.v1.CheckpointContextRequest;
import com.phoenixdma.v1.CompleteHandoffRequest;
import com.phoenixdma.v1.CompleteTaskRequest;
import com.phoenixdma.v1.Directive;
import com.phoenixdma.v1.FailTaskRequest;
import com.phoenixdma.v1.GetContextRequest;
import com.phoenixdma.v1.GetTaskRequest;
import com.phoenixdma.v1.Obligation;
import com.phoenixdma.v1.ResumeTasksRequest;
import com.phoenixdma.v1.StartTaskRequest;
import com.phoenixdma.v1.Task;
import com.phoenixdma.v1.TaskBriefing;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The tasks that this participant holds, and what is done for them. */
final class Work {
  private record Running(long epoch, Thread thread) {}

  private final Services services;
  private final Map<String, Running> running = new ConcurrentHashMap<>();

  Work(Services services) {
    this.services = services;
  }

  /** Does what a directive asks for; throws StatusRuntimeException where the runtime refuses. */
  void carryOut(Directive directive) {
    switch (directive.getAction()) {
      case DIRECTIVE_ACTION_START_TASK -> start(directive.getTaskId(), directive.getEpoch());
      case DIRECTIVE_ACTION_RECEIVE_HANDOFF -> takeOver(directive);
      case DIRECTIVE_ACTION_STOP_TASK -> stop(directive.getTaskId(), directive.getEpoch());
      // A checkpoint is asked for: this agent makes one after each step anyway. Decisions of humans,
      // draining and registering again are left out here; docs/any-language.md has them.
      default -> { }
    }
  }

  /** Begins an attempt; the answer is everything that the work needs. */
  private void start(String taskId, long epoch) {
    var request = StartTaskRequest.newBuilder().setTaskId(taskId).setEpoch(epoch).build();
    begin(services.tasks.startTask(request).getBriefing());
  }

  /**
   * Takes up what this participant still holds after it came back, page by page. What is being
   * worked on already goes on; what is on no page is not ours any more.
   */
  void resume(long generation) {
    Map<String, Running> before = new HashMap<>(running);
    var request = ResumeTasksRequest.newBuilder().setGeneration(generation);
    try {
      do {
        var answer = services.tasks.resumeTasks(request.build());
        for (TaskBriefing briefing : answer.getBriefingsList()) {
          Task task = briefing.getTask();
          before.remove(task.getTaskId());
          switch (task.getStatus()) {
            case TASK_STATUS_ACTIVE -> begin(briefing);
            case TASK_STATUS_ASSIGNED -> start(task.getTaskId(), task.getAssignment().getEpoch());
            default -> { } // it waits for a human
          }
        }
        request.setPageToken(answer.getNextPageToken());
      } while (!request.getPageToken().isEmpty());
      before.forEach((id, one) -> stop(id, one.epoch()));
    } catch (StatusRuntimeException refused) {
      Main.log("not resumed: %s", refused.getStatus());
    }
  }

  /** Reads the context on offer, proves that it arrived, and becomes the owner of its task. */
  private void takeOver(Directive offer) {
    String address = "phoenix://context/" + offer.getTaskId();
    Struct context = services.state.getContext(GetContextRequest.newBuilder()
        .setContextRef(address).setOfferId(offer.getOfferId()).build()).getContext();
    Task task = services.tasks.getTask(
        GetTaskRequest.newBuilder().setTaskId(offer.getTaskId()).build()).getTask();
    var request = CompleteHandoffRequest.newBuilder()
        .setHandoffId(offer.getHandoffId())
        .setOfferId(offer.getOfferId())
        .setReceivedHash(Hashes.contentHash(context));
    for (Obligation obligation : task.getObligationsList()) {
      if (!obligation.getFulfilled()) {
        request.addAcceptedObligations(obligation.getId());
      }
    }
    work("took over", services.handoffs.completeHandoff(request.build()).getBriefing(), context);
  }

  /** Works on a task from its newest context, which at version 0 is the input. */
  private void begin(TaskBriefing briefing) {
    Task task = briefing.getTask();
    Struct known = Struct.getDefaultInstance();
    if (briefing.getContext().getVersion() > 0) {
      var request = GetContextRequest.newBuilder().setContextRef(task.getContextRef()).build();
      known = services.state.getContext(request).getContext();
    }
    work("started", briefing, known);
  }

  /**
   * Runs the steps in a thread. A task that is at work already is left alone: a directive may come
   * twice, and resume names what goes on.
   */
  private void work(String how, TaskBriefing briefing, Struct known) {
    Task task = briefing.getTask();
    long epoch = task.getAssignment().getEpoch();
    Thread thread = new Thread(() -> {
      try {
        steps(briefing, known);
      } catch (StatusRuntimeException refused) {
        if (Thread.currentThread().isInterrupted()) {
          Main.log("%s was stopped", task.getTaskId());
        } else if (reasonOf(refused).equals("STALE_ASSIGNMENT")) { // stop, never retry
          Main.log("%s is not ours any more: %s", task.getTaskId(), refused.getStatus());
        } else {
          fail(task, refused.toString());
        }
      } catch (InterruptedException stopped) {
        Main.log("%s was stopped", task.getTaskId());
      } catch (RuntimeException error) {
        fail(task, error.toString());
      } finally {
        running.computeIfPresent(task.getTaskId(), (id, one) -> one.epoch() == epoch ? null : one);
      }
    });
    Running mine = new Running(epoch, thread);
    Running there = running.compute(
        task.getTaskId(), (id, one) -> one != null && one.epoch() >= epoch ? one : mine);
    if (there == mine) {
      Main.say("%s %s epoch %d", how, task.getTaskId(), epoch);
      thread.start();
    }
  }

  /** Why the runtime refused: docs/errors.md has the reasons, several to a gRPC code. */
  private static String reasonOf(StatusRuntimeException refused) {
    com.google.rpc.Status status = StatusProto.fromThrowable(refused);
    try {
      for (Any detail : status == null ? List.<Any>of() : status.getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          return detail.unpack(ErrorInfo.class).getReason();
        }
      }
    } catch (InvalidProtocolBufferException unreadable) {
      Main.log("unreadable details: %s", unreadable);
    }
    return "";
  }

  /** Does what is left of the task: each step is written down with the language that did it. */
  private void steps(TaskBriefing briefing, Struct known) throws InterruptedException {
    Task task = briefing.getTask();
    Map<String, Value> input = briefing.getInput().getFieldsMap();
    long epoch = task.getAssignment().getEpoch();
    long version = briefing.getContext().getVersion();
    double total = input.getOrDefault("steps", Value.getDefaultInstance()).getNumberValue();
    ListValue.Builder done = known.getFieldsOrDefault("outputs", Value.getDefaultInstance())
        .getStructValue().getFieldsOrDefault("done", Value.getDefaultInstance())
        .getListValue().toBuilder();
    while (done.getValuesCount() < total) {
      Thread.sleep(50); // the work itself
      done.addValues(text("java"));
      Struct document = Struct.newBuilder()
          .putFields("objective", text(task.getObjective()))
          .putFields("inputs", Value.newBuilder().setStructValue(briefing.getInput()).build())
          .putFields("outputs", Value.newBuilder().setStructValue(listed(done)).build())
          .build();
      version = services.state.checkpointContext(CheckpointContextRequest.newBuilder()
          .setTaskId(task.getTaskId()).setEpoch(epoch).setBaseVersion(version)
          .setContext(document).build()).getCheckpoint().getVersion();
      int step = done.getValuesCount();
      Main.say("checkpointed %d", step);
      boolean pauses = input.getOrDefault("pause_after", Value.getDefaultInstance()).getListValue()
          .getValuesList().stream().anyMatch(one -> one.getNumberValue() == step);
      if (pauses) {
        Thread.sleep(Long.MAX_VALUE); // the play kills this agent here
      }
    }
    services.tasks.completeTask(CompleteTaskRequest.newBuilder()
        .setTaskId(task.getTaskId()).setEpoch(epoch).setResult(listed(done)).build());
    Main.say("completed %s", task.getTaskId());
  }

  private void fail(Task task, String message) {
    try {
      services.tasks.failTask(FailTaskRequest.newBuilder()
          .setTaskId(task.getTaskId()).setEpoch(task.getAssignment().getEpoch())
          .setMessage(message).setRetryable(true).build());
    } catch (StatusRuntimeException refused) {
      Main.log("%s failed, and could not say so: %s", task.getTaskId(), refused.getStatus());
    }
  }

  /** Ends the work on a task that is not ours any more under this epoch. */
  private void stop(String taskId, long epoch) {
    running.computeIfPresent(taskId, (id, one) -> {
      if (one.epoch() > epoch) {
        return one;
      }
      one.thread().interrupt();
      return null;
    });
  }

  /** Ends the work on everything, and answers how much that was. */
  int stopAll() {
    var ids = List.copyOf(running.keySet());
    ids.forEach(id -> stop(id, Long.MAX_VALUE));
    return ids.size();
  }

  private static Value text(String value) {
    return Value.newBuilder().setStringValue(value).build();
  }

  private static Struct listed(ListValue.Builder done) {
    return Struct.newBuilder().putFields("done", Value.newBuilder().setListValue(done).build()).build();
  }
}
