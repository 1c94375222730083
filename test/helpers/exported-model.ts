import { onTestFinished } from 'vitest';
import type { Tensor } from '../../lib/engine/tensor.ts';
import type { Explainer } from '../../lib/explainer.ts';
import type { ExportOptions } from '../../lib/export/export-options.ts';
import { parseModel } from '../../lib/model/file/parse-model.ts';
import { describeValue } from '../../lib/model/graph/value-info.ts';
import type { Explanation } from '../../lib/result/explanation.ts';
import { createOrtSession } from './ort-session.ts';

/** A model with the explanation inside, run by a runtime that knows nothing of it. */
export interface ExportedModel {
  readonly bytes: Uint8Array;
  /** As the file declares them. */
  readonly inputs: readonly { readonly name: string; readonly type: string | undefined; readonly dims: unknown }[];
  readonly outputs: readonly { readonly name: string; readonly type: string | undefined; readonly dims: unknown }[];
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
}

export async function openExported(explainer: Explainer, options: ExportOptions = {}): Promise<ExportedModel> {
  const bytes = await explainer.export(options);
  const graph = parseModel(bytes);
  const session = await createOrtSession(bytes, { graphOptimizationLevel: 'all' });
  onTestFinished(() => session.dispose());
  const outputs = graph.outputs.map(describeValue);
  return {
    bytes,
    inputs: graph.inputs.map(describeValue),
    outputs,
    run: feeds =>
      session.run(
        feeds,
        outputs.map(({ name }) => name),
      ),
  };
}

/**
 * The map that an export with `map: 'layer'` gives: the raw one, stretched at the layer's own size also where the paper
 * enlarges it first.
 */
export function stretchedRaw({ raw, params }: Explanation): Float32Array {
  const values = params.relu === true ? raw.data.map(value => Math.max(value, 0)) : raw.data;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const even = high - low <= 1e-6 * Math.max(Math.abs(low), Math.abs(high));
  return values.map(value => (even ? 0 : (value - low) / (high - low)));
}

/** The n-th of a batch. */
export function nthOf({ data, dims }: Tensor, n: number): Float32Array {
  const size = data.length / dims[0]!;
  return Float32Array.from((data as Float32Array).subarray(n * size, (n + 1) * size));
}

/** How far from each other two maps are at most. */
export function furthest(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 0; i < found.length; i++) {
    const difference = Math.abs(found[i]! - expected[i]!);
    if (!(difference <= most)) most = difference;
  }
  return most;
}
