import { bucketSize } from "./bucket.js";
import type { Plan } from "./plan.js";
import type { Row } from "./row.js";

/** What the batches of one length have in common over a whole run. */
export interface BatchShape {
  /** The most tokens that any of them supervises. */
  places: number;
  /** How many batches there are of this length. */
  batches: number;
}

/**
 * The shapes that batches have over a whole run, by their padded length. All batches of a length can be padded to
 * the same number of supervised places, so that there are as few shapes as lengths; and a shape that is rare need
 * not be compiled. It follows from the plan alone, so a resumed run meets the same shapes.
 */
export function batchShapes(rows: readonly Row[], plan: Plan, maxLength: number): Map<number, BatchShape> {
  const sizes = rows.map((row) => ({ length: row.tokenIds.length, supervised: supervisedTokens(row) }));
  const shapes = new Map<number, BatchShape>();
  for (const { microBatches } of plan.from(0)) {
    for (const chosen of microBatches) {
      const longest = Math.max(...chosen.map((row) => sizes[row]?.length ?? 0));
      const supervised = chosen.reduce((sum, row) => sum + (sizes[row]?.supervised ?? 0), 0);
      const time = bucketSize(longest, maxLength);
      const { places, batches } = shapes.get(time) ?? { places: 0, batches: 0 };
      shapes.set(time, { places: Math.max(places, supervised), batches: batches + 1 });
    }
  }
  return shapes;
}

/** How many tokens of a row are learned: those of the mask that an earlier token of the same example predicts. */
function supervisedTokens({ mask, segments }: Row): number {
  return mask.filter((learned, t) => learned && t > 0 && segments?.[t] === segments?.[t - 1]).length;
}
