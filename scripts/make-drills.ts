/**
 * npm run drills: writes datasets/instructions/drills.jsonl, short exact questions for training only, from the word
 * lists and fact tables in scripts/drills. Seeded: the same lists and splits give the same file.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { formatPairs, parsePairs } from "./drills/pair.js";
import { makeDrills } from "./drills/select.js";

const folder = new URL("../datasets/instructions/", import.meta.url);
const read = (split: string) => parsePairs(readFileSync(new URL(`${split}.jsonl`, folder), "utf8"));

const drills = makeDrills(read("train"), [...read("validation"), ...read("test")]);
writeFileSync(new URL("drills.jsonl", folder), formatPairs(drills));
console.log(`${drills.length} drills`);
