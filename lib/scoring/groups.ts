/** [items, repeats, columns] → [items, columns]. */
export function meanOverRepeats(scores: Float64Array, items: number, repeats: number, columns: number): Float64Array {
  if (repeats === 1) return scores;
  const means = new Float64Array(items * columns);
  for (let item = 0; item < items; item++)
    for (let repeat = 0; repeat < repeats; repeat++)
      for (let t = 0; t < columns; t++)
        means[item * columns + t]! += scores[(item * repeats + repeat) * columns + t]! / repeats;
  return means;
}

/** Gives every map the scores of its group; maps without one (−1) get 0. [groups, columns] → [maps, columns]. */
export function spreadGroups(scores: Float64Array, group: Int32Array, columns: number): Float64Array {
  const spread = new Float64Array(group.length * columns);
  group.forEach((index, map) => {
    if (index >= 0) spread.set(scores.subarray(index * columns, (index + 1) * columns), map * columns);
  });
  return spread;
}
