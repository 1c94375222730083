/** The first value; no further one is asked for. */
export async function firstOf<T>(values: AsyncIterable<T>): Promise<T> {
  for await (const value of values) return value;
  throw new TypeError('there is no value');
}
