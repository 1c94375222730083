/**
 * Runs a task over items, so many at once, begun in their order.
 * @returns the results in the order of the items
 * @throws what the first task that failed threw, when those under way have settled; no further ones are begun
 */
export async function sideBySide<T, R>(
  items: readonly T[],
  atOnce: number,
  task: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const work = async () => {
    while (next < items.length && !failure) {
      const index = next++;
      try {
        results[index] = await task(items[index]!, index);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  if (failure) throw failure.error;
  return results;
}
