// Checks a ledger's checkpoints and inclusion proofs with @sigstore/verify, which npm verifies its packages with.
//
// Of every checkpoint: the ledger's Ed25519 signature, and that an altered one does not pass. Of every inclusion proof of
// ours: that the entry of the public bundle leads to the checkpoint's root, and another does not. It knows neither
// cosignatures nor ML-DSA-44, nor consistency proofs.

import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import checkpoints from "@sigstore/verify/dist/tlog/checkpoint.js";
import merkle from "@sigstore/verify/dist/tlog/merkle.js";

const folder = process.argv[2];
const facts = JSON.parse(readFileSync(join(folder, "interop.json"), "utf8"));
const ledger = authority(facts.log[0]);
const trees = new Map(facts.sizes.map((size) => [size, checkpoint(size)]));
for (const proof of facts.inclusion) {
  inclusion(proof);
}
assert(facts.sizes.length > 0 && facts.inclusion.length > 0);
console.log(`@sigstore/verify: ${facts.sizes.length} checkpoints and ${facts.inclusion.length} inclusion proofs hold`);

function authority(vkey) {
  const [, name, keyId, material] = /^([^+]+)\+([^+]+)\+(.+)$/.exec(vkey);
  const typed = Buffer.from(material, "base64");
  assert.equal(typed[0], 0x01);
  const jwk = { kty: "OKP", crv: "Ed25519", x: typed.subarray(1).toString("base64url") };
  return { baseURL: name, logID: Buffer.from(keyId, "hex"), publicKey: createPublicKey({ key: jwk, format: "jwk" }) };
}

function checkpoint(size) {
  const envelope = readFileSync(join(folder, "checkpoints", String(size)), "utf8");
  const verify = (text) => checkpoints.verifyCheckpoint({ inclusionProof: { checkpoint: { envelope: text } } }, [ledger]);
  const found = verify(envelope);
  assert.equal(found.origin, ledger.baseURL);
  assert.equal(found.logSize, BigInt(size));
  assert.deepEqual(found.rest, []);
  assert.throws(() => verify(envelope.replace(`\n${size}\n`, `\n${size + 1}\n`)), { message: /signature/ });
  return found;
}

function inclusion({ index, size, proof }) {
  const hashes = proof.map((node) => Buffer.from(node, "base64"));
  const verify = (logIndex, body) =>
    merkle.verifyMerkleInclusion(
      { inclusionProof: { logIndex: String(logIndex), hashes }, canonicalizedBody: body },
      trees.get(size),
    );
  verify(index, entryAt(index, size));
  assert.throws(() => verify(index, Buffer.from("another")));
  assert.throws(() => verify(size, entryAt(index, size)));
}

function entryAt(index, size) {
  const number = Math.floor(index / 256);
  const width = Math.min(256, size - number * 256);
  const path = join(folder, "tile", "entries", String(number).padStart(3, "0") + (width < 256 ? `.p/${width}` : ""));
  assert(number < 1000 && existsSync(path), path);
  const data = readFileSync(path);
  let at = 0;
  for (let skipped = number * 256; skipped < index; skipped += 1) {
    at += 2 + data.readUInt16BE(at);
  }
  return data.subarray(at + 2, at + 2 + data.readUInt16BE(at));
}
