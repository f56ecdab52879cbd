/** Keeps the participant registered and attached: one KeepAlive stream after the other. */
import { type MessageInitShape } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import {
  type Directive,
  HealthState,
  type KeepAliveRequestSchema,
  type Lease,
  LeaseLostReason,
} from "../gen/phoenix_dma/v1/session_pb.js";
import { OWNER, type Services } from "./services.js";
import { pause, say } from "./text.js";
import { type Work } from "./work.js";

type Up = MessageInitShape<typeof KeepAliveRequestSchema>;

/** Registers, keeps a stream open, and does what the end of each stream asks for. */
export async function stayAttached(id: string, services: Services, work: Work): Promise<never> {
  const lease = new LeaseWatch();
  // Whether or not there is a stream to hear it on: the tasks are about to be given away.
  setInterval(() => {
    if (lease.lost() && work.stopAll() > 0) {
      console.error("no beat was acknowledged for a lease's length; the work has stopped");
    }
  }, 100);
  let generation = 0n;
  for (;;) {
    try {
      if (generation === 0n) generation = await register(id, services, lease);
      const reason = await new Stream(id, generation, services, work, lease).run();
      switch (reason) {
        case LeaseLostReason.SUPERSEDED:
        case LeaseLostReason.RETIRED:
          console.error("the lease is lost for good:", LeaseLostReason[reason]);
          process.exit(1);
        case LeaseLostReason.EXPIRED:
        case LeaseLostReason.UNKNOWN:
          work.stopAll();
          generation = 0n; // register again
          break;
        case LeaseLostReason.SUSPENDED:
          work.stopAll(); // attaching is refused until an operator has reinstated it
          break;
        default: // CREDENTIAL, SLOW_READER, or a closed stream: the lease still runs
          console.error("the stream ended:", LeaseLostReason[reason]);
      }
    } catch (error) {
      console.error("not attached:", String(error)); // a broken connection: the lease still runs
    }
    await pause(1000);
  }
}

/** Makes the participant known, or known again: claims go up, a generation comes down. */
async function register(id: string, services: Services, lease: LeaseWatch): Promise<bigint> {
  const asked = performance.now();
  const answer = await services.registry.registerParticipant({
    participant: {
      id,
      type: "agent",
      owner: OWNER,
      capabilities: ["duplicate_detection"],
      permissions: ["read_customer_master", "suggest_merge"],
      dataDomains: ["customer"],
    },
  });
  const generation = answer.participant?.generation ?? 0n;
  if (answer.leaseTtl) lease.granted(durationMs(answer.leaseTtl), asked);
  say(`registered ${id} generation ${generation}`);
  return generation;
}

/** One stream, from Attach until it ends. */
class Stream {
  private readonly queue: Up[] = [];
  private wake: () => void = () => {};
  private readonly abort = new AbortController();
  private slot = 0;
  private resumed = false;

  constructor(
    private readonly id: string,
    private readonly generation: bigint,
    private readonly services: Services,
    private readonly work: Work,
    private readonly lease: LeaseWatch,
  ) {}

  /** Reads until the end; answers why the lease was lost, where it was. */
  async run(): Promise<LeaseLostReason> {
    const attached = performance.now();
    this.send({ case: "attach", value: { participantId: this.id, generation: this.generation } });
    const { signal } = this.abort;
    try {
      for await (const { message } of this.services.sessions.keepAlive(this.up(), { signal })) {
        if (message.case === "lease") {
          this.slot = message.value.slot;
          if (message.value.ttl) this.lease.granted(durationMs(message.value.ttl), attached);
          void this.beat(message.value);
        } else if (message.case === "beatAck") {
          this.acknowledged(message.value.seq);
        } else if (message.case === "directive") {
          void this.carryOut(message.value);
        } else if (message.case === "leaseLost") {
          return message.value.reason;
        }
      }
      return LeaseLostReason.UNSPECIFIED;
    } finally {
      this.abort.abort();
      this.wake();
    }
  }

  private send(message: Up["message"]): void {
    this.queue.push({ message });
    this.wake();
  }

  /** What goes up the stream, as it comes. */
  private async *up(): AsyncGenerator<Up> {
    while (!this.abort.signal.aborted) {
      const next = this.queue.shift();
      if (next) yield next;
      else await new Promise<void>((arrived) => (this.wake = arrived));
    }
  }

  /**
   * Sends the first beat at once and one each interval, until the stream ends or is known to be
   * dead: where no beat was acknowledged for the length of the lease, only a new one can help.
   */
  private async beat(granted: Lease): Promise<void> {
    const interval = granted.interval ? durationMs(granted.interval) : 3_000;
    let token = "";
    for (let seq = 1n; !this.abort.signal.aborted; seq++) {
      this.lease.sending(seq);
      const beats = [{ slot: this.slot, state: HealthState.SERVING }];
      this.send({ case: "beats", value: { seq, beats } });
      const renewed = await this.services.token().catch(() => token); // the next beat tries again
      if (token && renewed !== token) {
        this.send({ case: "refresh", value: { slot: this.slot, credential: renewed } });
      }
      token = renewed;
      await pause(interval);
      if (this.lease.lost()) this.abort.abort();
    }
  }

  private acknowledged(seq: bigint): void {
    this.lease.acknowledged(seq);
    if (!this.resumed) {
      this.resumed = true; // the first beat has arrived: the participant is ACTIVE
      void this.work.resume(this.generation);
    }
  }

  /** Carries a directive out and says so; until then it comes again. */
  private async carryOut(directive: Directive): Promise<void> {
    const { directiveId, taskId } = directive;
    let error = "";
    try {
      await this.work.carryOut(directive);
    } catch (refused) {
      error = String(refused);
      console.error(taskId, error);
    }
    this.send({ case: "directiveAck", value: { directiveId, slot: this.slot, error } });
  }
}

/**
 * Knows until when the lease certainly stands: a TTL after the newest acknowledged beat was *sent*,
 * which is earlier than when it arrived. It outlives streams, as the lease does.
 */
class LeaseWatch {
  private readonly sent = new Map<bigint, number>();
  private ttl = Infinity;
  private newest = 0;

  /** Takes a lease that runs from a call that was sent then; its stream counts beats anew. */
  granted(ttl: number, sent: number): void {
    this.sent.clear();
    this.ttl = ttl;
    this.newest = sent;
  }

  sending(seq: bigint): void {
    this.sent.set(seq, performance.now());
  }

  acknowledged(seq: bigint): void {
    for (const [known, at] of this.sent) {
      if (known > seq) continue;
      this.newest = Math.max(this.newest, at);
      this.sent.delete(known);
    }
  }

  lost(): boolean {
    return performance.now() - this.newest >= this.ttl;
  }
}
