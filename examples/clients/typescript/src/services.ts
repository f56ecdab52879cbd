/** The services of the runtime behind one address, and the credential that every call carries. */
import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { AssignmentService } from "../gen/phoenix_dma/v1/assignment_pb.js";
import { HandoffService } from "../gen/phoenix_dma/v1/handoff_pb.js";
import { type EnrolResponse, IdentityService } from "../gen/phoenix_dma/v1/identity_pb.js";
import { RegistryService } from "../gen/phoenix_dma/v1/registry_pb.js";
import { SessionService } from "../gen/phoenix_dma/v1/session_pb.js";
import { StateService } from "../gen/phoenix_dma/v1/state_pb.js";

export const OWNER = "data-governance";

export interface Services {
  token: () => Promise<string>;
  registry: Client<typeof RegistryService>;
  sessions: Client<typeof SessionService>;
  tasks: Client<typeof AssignmentService>;
  handoffs: Client<typeof HandoffService>;
  state: Client<typeof StateService>;
}

/** Connects to `address`; nothing is sent before the first call. */
export function connect(address: string, enrolment: string, participantId: string): Services {
  // http is for this machine alone; https for any other.
  const baseUrl = `http://${address}`;
  const identity = createClient(IdentityService, createGrpcTransport({ baseUrl }));
  const token = credential(identity, enrolment, participantId);
  /** Puts the token into the metadata key "authorization", where every call has it. */
  const authorized: Interceptor = (next) => async (request) => {
    request.header.set("authorization", `Bearer ${await token()}`);
    return next(request);
  };
  const transport = createGrpcTransport({ baseUrl, interceptors: [authorized] });
  return {
    token,
    registry: createClient(RegistryService, transport),
    sessions: createClient(SessionService, transport),
    tasks: createClient(AssignmentService, transport),
    handoffs: createClient(HandoffService, transport),
    state: createClient(StateService, transport),
  };
}

/** Answers the present token: enrolled once, then renewed after half of its life. */
function credential(
  identity: Client<typeof IdentityService>,
  enrolment: string,
  participantId: string,
): () => Promise<string> {
  let held = { token: "", renews: 0, lapses: 0 };
  const take = (answer: Pick<EnrolResponse, "credential" | "expireTime">): void => {
    const lapses = answer.expireTime ? timestampDate(answer.expireTime).getTime() : 0;
    held = { token: answer.credential, lapses, renews: (Date.now() + lapses) / 2 };
  };
  const bearer = (value: string) => ({ headers: { authorization: `Bearer ${value}` } });
  const renew = async (): Promise<void> => {
    if (Date.now() < held.lapses) {
      try {
        take(await identity.renewCredential({}, bearer(held.token)));
        return;
      } catch (refused) {
        console.error("not renewed, so enrolled anew:", String(refused));
      }
    }
    take(await identity.enrol({ participantId, owner: OWNER }, bearer(enrolment)));
  };
  let renewing: Promise<void> | undefined;
  return async () => {
    if (Date.now() >= held.renews) {
      renewing ??= renew().finally(() => (renewing = undefined));
      try {
        await renewing;
      } catch (error) {
        if (Date.now() >= held.lapses) throw error; // else the present one still holds
      }
    }
    return held.token;
  };
}
