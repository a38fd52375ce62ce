/** The names most like a mistaken one, the likeliest first: those within half of its letters, at most `count`. */
export function nearestNames(name: string, known: Iterable<string>, count = 4): string[] {
  const likely = [...new Set(known)]
    .map((other) => ({ other, distance: editDistance(name.toLowerCase(), other.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const near = likely.filter(({ distance }) => distance <= name.length / 2);
  return (near.length > 0 ? near : likely).slice(0, count).map(({ other }) => other);
}

/** How many letters must be added, removed or replaced to make one word of the other (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (above[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (above[j] as number) + 1, (row[j - 1] as number) + 1));
    }
  }
  return row[b.length] as number;
}
