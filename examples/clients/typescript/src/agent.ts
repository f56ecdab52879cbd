/**
 * An agent of the Phoenix DMA Runtime in TypeScript: it registers, beats, works on tasks and takes them over.
 *
 *     node build/src/agent.js <participant id>      work until killed
 *     node build/src/agent.js vectors <folder>      check the hashes and ids of tests/vectors
 *
 * The runtime's address and the enrolment credential come from the profile that `phoenix-dma up` or
 * `phoenix-dma enrol` wrote: $PHOENIX_DMA_PROFILE, else ~/.config/phoenix-dma/profile.toml.
 */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { connect } from "./services.js";
import { checkVectors } from "./hashes.js";
import { stayAttached } from "./session.js";
import { Work } from "./work.js";

const [first, second] = process.argv.slice(2);
if (first === "vectors" && second) {
  checkVectors(second);
} else if (first && !second) {
  const { address, enrolment } = readProfile();
  const services = connect(address, enrolment, first);
  await stayAttached(first, services, new Work(services));
} else {
  console.error("usage: agent <participant id> | agent vectors <folder>");
  process.exit(2);
}

/**
 * Reads the entries that an agent needs; a TOML library reads the rest as well. The profile of one
 * identity follows another one, which has the addresses.
 */
function readProfile(): { address: string; enrolment: string } {
  const path =
    process.env.PHOENIX_DMA_PROFILE ?? join(homedir(), ".config", "phoenix-dma", "profile.toml");
  const beside = (name: string) => readFileSync(resolve(dirname(path), name), "utf8");
  const entry = (text: string, name: string): string =>
    new RegExp(`^${name}\\s*=\\s*"(.*)"`, "m").exec(text)?.[1] ?? "";
  const own = readFileSync(path, "utf8");
  const follows = entry(own, "follows");
  const address = entry(follows ? beside(follows) : own, "grpc");
  const credential = entry(own, "credential");
  if (!address || !credential) throw new Error(`${path} names no address, or no credential`);
  return { address, enrolment: beside(credential).trim() };
}
