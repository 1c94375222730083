import type { Graph } from '../../graph/graph.ts';
import { type CreateSession, withProbe } from '../../probe/probe-session.ts';
import { type ProbingInputs, probingFeeds } from '../../probe/probing-feeds.ts';

/** Largest difference relative to the largest value of an output. */
const TOLERANCE = 1e-4;

/** Whether two graphs with the same inputs give the same numbers for one image of noise. */
export async function sameResults(
  first: Graph,
  second: Graph,
  outputs: readonly string[],
  createSession: CreateSession,
  options: ProbingInputs & { readonly signal?: AbortSignal },
): Promise<boolean> {
  const feeds = probingFeeds(first, options.input.batch ?? 1, options);
  const run = (graph: Graph) =>
    withProbe(graph, createSession, options.signal, session => session.run(feeds, outputs, { signal: options.signal }));
  const [a, b] = [await run(first), await run(second)];
  return outputs.every(name => {
    const [x, y] = [numbersOf(a[name]!.data), numbersOf(b[name]!.data)];
    const largest = x.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    return x.length === y.length && x.every((value, i) => !(Math.abs(value - y[i]!) > TOLERANCE * largest));
  });
}

const numbersOf = (data: ArrayLike<number | bigint>): Float64Array => Float64Array.from(data, Number);
