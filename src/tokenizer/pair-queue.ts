/** Two neighbouring tokens, how often they meet, and the words where they were seen to. */
export interface Pair {
  readonly left: number;
  readonly right: number;
  count: number;
  readonly words: readonly number[];
}

/** The most frequent pair first; among equals the one with the smaller left id, then the smaller right id. */
const comesBefore = (a: Pair, b: Pair): boolean =>
  a.count !== b.count ? a.count > b.count : a.left !== b.left ? a.left < b.left : a.right < b.right;

/** A binary heap of pairs. */
export class PairQueue {
  readonly #heap: Pair[] = [];

  push(pair: Pair): void {
    const heap = this.#heap;
    let at = heap.push(pair) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Pair;
      if (!comesBefore(pair, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = pair;
  }

  pop(): Pair | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && comesBefore(heap[child + 1] as Pair, heap[child] as Pair)) child++;
      const below = heap[child] as Pair;
      if (!comesBefore(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}
