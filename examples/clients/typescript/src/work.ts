/** The tasks that this participant holds, and what is done for them. */
import { type JsonObject } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { ConnectError } from "@connectrpc/connect";
import { type Task, type TaskBriefing, TaskStatus } from "../gen/phoenix_dma/v1/assignment_pb.js";
import { type Directive, DirectiveAction } from "../gen/phoenix_dma/v1/session_pb.js";
import { contentHash } from "./hashes.js";
import { type Services } from "./services.js";
import { pause, say } from "./text.js";

interface Running {
  epoch: bigint;
  stopped: boolean;
}

export class Work {
  private readonly running = new Map<string, Running>();

  constructor(private readonly services: Services) {}

  /** Does what a directive asks for; throws ConnectError where the runtime refuses. */
  async carryOut(directive: Directive): Promise<void> {
    switch (directive.action) {
      case DirectiveAction.START_TASK:
        return this.start(directive.taskId, directive.epoch);
      case DirectiveAction.RECEIVE_HANDOFF:
        return this.takeOver(directive);
      case DirectiveAction.STOP_TASK:
        return this.stop(directive.taskId, directive.epoch);
      // A checkpoint is asked for: this agent makes one after each step anyway. Decisions of humans,
      // draining and registering again are left out here; docs/any-language.md has them.
    }
  }

  /** Begins an attempt; the answer is everything that the work needs. */
  private async start(taskId: string, epoch: bigint): Promise<void> {
    const { briefing } = await this.services.tasks.startTask({ taskId, epoch });
    if (briefing) await this.begin(briefing);
  }

  /**
   * Takes up what this participant still holds after it came back, page by page. What is being
   * worked on already goes on; what is on no page is not ours any more.
   */
  async resume(generation: bigint): Promise<void> {
    const before = new Map(this.running);
    try {
      let pageToken = "";
      do {
        const answer = await this.services.tasks.resumeTasks({ generation, pageToken });
        for (const briefing of answer.briefings) {
          const { task } = briefing;
          before.delete(task?.taskId ?? "");
          if (task?.status === TaskStatus.ACTIVE) await this.begin(briefing);
          if (task?.status === TaskStatus.ASSIGNED) await this.start(task.taskId, epochOf(task));
        }
        pageToken = answer.nextPageToken;
      } while (pageToken);
      for (const [id, one] of before) this.stop(id, one.epoch);
    } catch (refused) {
      console.error("not resumed:", String(refused));
    }
  }

  /** Reads the context on offer, proves that it arrived, and becomes the owner of its task. */
  private async takeOver(offer: Directive): Promise<void> {
    const { taskId, handoffId, offerId } = offer;
    const contextRef = `phoenix://context/${taskId}`;
    const context = (await this.services.state.getContext({ contextRef, offerId })).context ?? {};
    const { task } = await this.services.tasks.getTask({ taskId });
    const open = (task?.obligations ?? []).filter((one) => !one.fulfilled);
    const { briefing } = await this.services.handoffs.completeHandoff({
      handoffId,
      offerId,
      receivedHash: contentHash(context),
      acceptedObligations: open.map((one) => one.id),
    });
    if (!briefing?.task) return;
    void this.work("took over", briefing, briefing.task, context);
  }

  /** Works on a task from its newest context, which at version 0 is the input. */
  private async begin(briefing: TaskBriefing): Promise<void> {
    const { task } = briefing;
    if (!task) return;
    let known: JsonObject = {};
    if (briefing.context && briefing.context.version > 0n) {
      const { contextRef } = task;
      known = (await this.services.state.getContext({ contextRef })).context ?? {};
    }
    void this.work("started", briefing, task, known);
  }

  /**
   * Runs the steps. A task that is at work already is left alone: a directive may come twice, and
   * resume names what goes on.
   */
  private async work(
    how: string,
    briefing: TaskBriefing,
    task: Task,
    known: JsonObject,
  ): Promise<void> {
    const here: Running = { epoch: epochOf(task), stopped: false };
    if ((this.running.get(task.taskId)?.epoch ?? -1n) >= here.epoch) return;
    this.stop(task.taskId, here.epoch);
    this.running.set(task.taskId, here);
    say(`${how} ${task.taskId} epoch ${here.epoch}`);
    try {
      await this.steps(briefing, task, known, here);
    } catch (error) {
      if (here.stopped) {
        console.error(`${task.taskId} was stopped`);
      } else if (reasonOf(error) === "STALE_ASSIGNMENT") {
        console.error(`${task.taskId} is not ours any more: ${error}`); // stop, never retry
      } else {
        await this.fail(task, String(error));
      }
    } finally {
      this.stop(task.taskId, here.epoch);
    }
  }

  /** Does what is left of the task: each step is written down with the language that did it. */
  private async steps(
    briefing: TaskBriefing,
    task: Task,
    known: JsonObject,
    here: Running,
  ): Promise<void> {
    const { taskId, objective } = task;
    const epoch = epochOf(task);
    const input = (briefing.input ?? {}) as { steps?: number; pause_after?: number[] };
    const outputs = (known.outputs ?? {}) as { done?: string[] };
    const done = [...(outputs.done ?? [])];
    let baseVersion = briefing.context?.version ?? 0n;
    while (done.length < (input.steps ?? 0)) {
      await pause(50); // the work itself
      if (here.stopped) return;
      done.push("typescript");
      const context = { objective, inputs: { ...input }, outputs: { done } };
      const answer = await this.services.state.checkpointContext({
        taskId,
        epoch,
        baseVersion,
        context,
      });
      baseVersion = answer.checkpoint?.version ?? baseVersion;
      say(`checkpointed ${done.length}`);
      while (input.pause_after?.includes(done.length)) {
        await pause(1000); // the play kills this agent here
        if (here.stopped) return;
      }
    }
    await this.services.tasks.completeTask({ taskId, epoch, result: { done } });
    say(`completed ${taskId}`);
  }

  private async fail(task: Task, message: string): Promise<void> {
    const said = { taskId: task.taskId, epoch: epochOf(task), message, retryable: true };
    try {
      await this.services.tasks.failTask(said);
    } catch (refused) {
      console.error(`${task.taskId} failed (${message}), and could not say so: ${refused}`);
    }
  }

  /** Ends the work on a task that is not ours any more under this epoch. */
  private stop(taskId: string, epoch: bigint): void {
    const one = this.running.get(taskId);
    if (!one || one.epoch > epoch) return;
    one.stopped = true;
    this.running.delete(taskId);
  }

  /** Ends the work on everything, and answers how much that was. */
  stopAll(): number {
    const held = [...this.running];
    for (const [id, one] of held) this.stop(id, one.epoch);
    return held.length;
  }
}

function epochOf(task: Task): bigint {
  return task.assignment?.epoch ?? 0n;
}

/** Why the runtime refused: docs/errors.md has the reasons, several to a gRPC code. */
function reasonOf(error: unknown): string {
  for (const detail of ConnectError.from(error).details) {
    if (!("type" in detail) || detail.type !== "google.rpc.ErrorInfo") continue;
    const reader = new BinaryReader(detail.value);
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (field === 1) return reader.string();
      reader.skip(type);
    }
  }
  return "";
}
