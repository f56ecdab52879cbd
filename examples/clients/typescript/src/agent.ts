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

/** Reads the two entries that an agent needs; a TOML library reads the rest as well. */
function readProfile(): { address: string; enrolment: string } {
  const path =
    process.env.PHOENIX_DMA_PROFILE ?? join(homedir(), ".config", "phoenix-dma", "profile.toml");
  const text = readFileSync(path, "utf8");
  const entry = (name: string): string => {
    const found = new RegExp(`^${name}\\s*=\\s*"(.*)"`, "m").exec(text);
    if (!found) throw new Error(`${path} has no ${name}`);
    return found[1];
  };
  const credential = resolve(dirname(path), entry("credential"));
  return { address: entry("grpc"), enrolment: readFileSync(credential, "utf8").trim() };
}
