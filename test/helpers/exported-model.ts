import { onTestFinished } from 'vitest';
import type { Tensor } from '../../lib/engine/tensor.ts';
import type { Explainer } from '../../lib/explainer.ts';
import type { ExportOptions } from '../../lib/export/export-options.ts';
import { parseModel } from '../../lib/model/file/parse-model.ts';
import { describeValue } from '../../lib/model/graph/value-info.ts';
import type { Explanation } from '../../lib/result/explanation.ts';
import type { TargetInput } from '../../lib/targets/index.ts';
import { one } from './explain-models.ts';
import { createOrtSession } from './ort-session.ts';
import { uniform } from './seeded-weights.ts';

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

/**
 * What a difference is divided by: 1e-5 of the stretched map, or 1e-6 of the raw one's values, some ulps of them, where these
 * hardly differ from each other (probabilities of networks with random weights).
 */
function condition({ raw, status }: Explanation): number {
  if (status !== 'ok') return 1;
  const [low, high] = [Math.min(...raw.data), Math.max(...raw.data)];
  return Math.max(1, (0.1 * Math.max(Math.abs(low), Math.abs(high))) / (high - low));
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

/** An input of the export filled with noise, of `count` images where it leaves that open. */
export function noiseFor(exported: ExportedModel, count = 3, size = 48): Tensor<'float32'> {
  const { dims } = exported.inputs[0]!;
  const sizes = (dims as (number | string)[]).map((dim, axis) =>
    typeof dim === 'number' ? dim : axis === 0 ? count : size,
  );
  return {
    type: 'float32',
    data: uniform(
      5,
      sizes.reduce((product, one) => product * one),
      2,
    ),
    dims: sizes,
  };
}

/** The n-th image by itself. */
export function imageOf(images: Tensor<'float32'>, n: number): Tensor<'float32'> {
  return { type: 'float32', data: nthOf(images, n), dims: [1, ...images.dims.slice(1)] };
}

/**
 * Runs an export on images and compares its maps with those of `explain`.
 * @param targets of each image, what `explain` takes; undefined: the export's own
 * @returns the largest difference of a value, in units of what float32 can tell apart in the map, and the outputs
 */
export async function compareWithExplain(
  cam: Explainer,
  options: ExportOptions,
  {
    exported,
    images,
    targets,
    feeds,
  }: {
    readonly exported: ExportedModel;
    readonly images: Tensor<'float32'>;
    readonly targets?: readonly TargetInput[];
    readonly feeds?: Readonly<Record<string, Tensor>>;
  },
): Promise<{ readonly difference: number; readonly outputs: Record<string, Tensor> }> {
  const outputs = await exported.run({ [exported.inputs[0]!.name]: images, ...feeds });
  const { method, params, layer, map = 'layer', target = 'top1' } = options;
  const several = Array.isArray(layer) || layer === 'stages';
  let difference = 0;
  for (let n = 0; n < images.dims[0]!; n++) {
    const explanation = one(
      await cam.explain(imageOf(images, n), { method, params, layer, mapSize: map, target: targets?.[n] ?? target }),
    );
    const expected = map === 'layer' && !several ? stretchedRaw(explanation) : explanation.map.data;
    const own = furthest(nthOf(outputs.saliency_map!, n), expected);
    difference = Math.max(difference, own / condition(explanation));
  }
  return { difference, outputs };
}
