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
  let generation = 0n;
  for (;;) {
    try {
      if (generation === 0n) generation = await register(id, services);
      const reason = await new Stream(id, generation, services, work).run();
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
async function register(id: string, services: Services): Promise<bigint> {
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
  say(`registered ${id} generation ${generation}`);
  return generation;
}

/** One stream, from Attach until it ends. */
class Stream {
  private readonly queue: Up[] = [];
  private wake: () => void = () => {};
  private readonly abort = new AbortController();
  private slot = 0;
  private readonly sent = new Map<bigint, number>();
  /** When the newest acknowledged beat was sent, which is earlier than when it arrived. */
  private newest = Date.now();
  private resumed = false;

  constructor(
    private readonly id: string,
    private readonly generation: bigint,
    private readonly services: Services,
    private readonly work: Work,
  ) {}

  /** Reads until the end; answers why the lease was lost, where it was. */
  async run(): Promise<LeaseLostReason> {
    this.send({ case: "attach", value: { participantId: this.id, generation: this.generation } });
    const { signal } = this.abort;
    try {
      for await (const { message } of this.services.sessions.keepAlive(this.up(), { signal })) {
        if (message.case === "lease") {
          this.slot = message.value.slot;
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
   * Sends the first beat at once and one each interval. Where none was acknowledged for the length
   * of the lease, it stops the work and drops the stream: the tasks are about to be given away.
   */
  private async beat(lease: Lease): Promise<void> {
    const ttl = lease.ttl ? durationMs(lease.ttl) : 10_000;
    const interval = lease.interval ? durationMs(lease.interval) : 3_000;
    let token = await this.services.token();
    for (let seq = 1n; !this.abort.signal.aborted; seq++) {
      this.sent.set(seq, Date.now());
      const beats = [{ slot: this.slot, state: HealthState.SERVING }];
      this.send({ case: "beats", value: { seq, beats } });
      const renewed = await this.services.token().catch(() => token);
      if (renewed !== token) {
        token = renewed;
        this.send({ case: "refresh", value: { slot: this.slot, credential: token } });
      }
      await pause(interval);
      if (Date.now() - this.newest >= ttl) {
        console.error("no beat was acknowledged for a lease's length");
        this.work.stopAll();
        this.abort.abort();
      }
    }
  }

  private acknowledged(seq: bigint): void {
    for (const [known, at] of this.sent) {
      if (known > seq) continue;
      this.newest = Math.max(this.newest, at);
      this.sent.delete(known);
    }
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
