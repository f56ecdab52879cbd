/** Hashes over canonical JSON (RFC 8785), and the form of ids. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromJsonString, type JsonObject, toJson } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import canonicalize from "canonicalize";
import { say } from "./text.js";

/** "sha256:" and the SHA-256 of the canonical form of a JSON object. */
export function contentHash(document: JsonObject): string {
  return `sha256:${createHash("sha256").update(canonical(document), "utf8").digest("hex")}`;
}

export function canonical(document: JsonObject): string {
  // The published types of this package describe it as a module, which Node reads as a function.
  return (canonicalize as unknown as (value: unknown) => string)(document);
}

export function isIdentifier(text: string): boolean {
  return /^[a-z0-9._-]{1,128}$/.test(text) && !text.includes("..");
}

/** Compares this program with tests/vectors, as every client of this folder does. */
export function checkVectors(folder: string): void {
  const read = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8"));
  const hashes: { vectors: { name: string; input: string; canonical: string; hash: string }[] } =
    read("canonical_json.json");
  const ids: { valid: string[]; invalid: { id: string; why: string }[] } = read("ids.json");
  for (const one of hashes.vectors) {
    // As a message carries it: a Struct out of JSON, and JSON out of that.
    const arrived = toJson(StructSchema, fromJsonString(StructSchema, one.input)) as JsonObject;
    const form = canonical(arrived);
    if (form !== one.canonical) throw new Error(`${one.name}: ${form} is not ${one.canonical}`);
    if (contentHash(arrived) !== one.hash) throw new Error(`${one.name}: the hash differs`);
  }
  for (const id of ids.valid) if (!isIdentifier(id)) throw new Error(`${id} is an id`);
  for (const { id, why } of ids.invalid) if (isIdentifier(id)) throw new Error(`${id}: ${why}`);
  say(`vectors ${hashes.vectors.length + ids.valid.length + ids.invalid.length}`);
}
