import { Random } from "../../src/backend/random.js";
import { asksFor, type Drill, type DrillSet, type Item } from "./drill.js";
import { leaksBetween, normalise, type Prepared, prepare } from "./leaks.js";
import type { Language, Pair } from "./pair.js";
import { drillSets } from "./sets.js";

const SEED = 2024;
/** Drills of a skill in one language. */
const WANTED = 130;

/**
 * The drills for a training split: as many pairs for every skill and language, going round the skills.
 *
 * @param train    pairs the model learns anyway; no drill repeats one
 * @param heldOut  pairs the model is measured on; no drill comes close to one
 */
export function makeDrills(train: Pair[], heldOut: Pair[]): Pair[] {
  const random = new Random(SEED);
  const guarded = heldOut.map(prepare);
  const known = new Set(train.map((pair) => normalise(pair.instruction)));
  const queues = drillSets.flatMap((set) => {
    const allowed = random.shuffle(permitted(set, set.drills(random), train, heldOut));
    return (["en", "zh"] as const).map((language) =>
      random.shuffle(choose(set, language, allowed, guarded, known)).map(numbered),
    );
  });
  return Array.from({ length: WANTED }, (_, round) => queues.flatMap((queue) => queue[round] ?? [])).flat();
}

const numbered = (pair: Pair, at: number): Pair => ({
  ...pair,
  id: `drill-${pair.skill}-${pair.language}-${String(at + 1).padStart(3, "0")}`,
});

/** The drills of a set about things that its rule leaves to train. */
function permitted(
  { skill, heldOut: tested }: DrillSet,
  drills: Drill[],
  train: Pair[],
  heldOut: Pair[],
): Drill[] {
  const ofSkill = (pairs: Pair[]) => pairs.filter((pair) => pair.skill === skill);
  const [inTrain, inHeldOut] = [ofSkill(train), ofSkill(heldOut)];
  const exact = tested === "facts";
  const asks = (pairs: Pair[], item: Item) => pairs.some((pair) => asksFor(pair, item, exact));
  const items = new Set(drills.map((drill) => drill.item));
  const allowed = new Set(
    [...items].filter((item) => !asks(inHeldOut, item) || (exact && asks(inTrain, item))),
  );
  return drills.filter((drill) => allowed.has(drill.item));
}

/** Picks drills one by one, always one whose answer, then item, then phrasing was used least. */
function choose(
  { skill }: DrillSet,
  language: Language,
  drills: Drill[],
  guarded: Prepared[],
  known: Set<string>,
): Pair[] {
  const left = new Set(drills.filter((drill) => drill.language === language));
  const uses = new Map<unknown, number>();
  const used = (key: unknown) => uses.get(key) ?? 0;
  const cost = ({ output, item, phrasing }: Drill) => used(output) * 1e6 + used(item) * 1e3 + used(phrasing);
  const chosen: Pair[] = [];
  while (chosen.length < WANTED && left.size > 0) {
    const drill = [...left].reduce((best, next) => (cost(next) < cost(best) ? next : best));
    left.delete(drill);
    const { instruction, output, item, phrasing } = drill;
    const pair: Pair = { id: `drill-${skill}-${language}-000`, instruction, output, language, skill };
    const prepared = prepare(pair);
    if (known.has(normalise(instruction)) || guarded.some((held) => leaksBetween(prepared, held).length > 0))
      continue;
    known.add(normalise(instruction));
    for (const key of [output, item, phrasing]) uses.set(key, used(key) + 1);
    chosen.push(pair);
  }
  return chosen;
}
