import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Tensor } from '../../lib/engine/tensor.ts';
import { samplePositions, uniform } from './seeded-weights.ts';

const folder = new URL('../golden/foreign/', import.meta.url);

/** Float64 gradient of one score per picture, summed over the pictures, with respect to one tensor of the graph. */
export interface ForeignGradient {
  readonly dims: readonly number[];
  readonly l2: number;
  readonly max: number;
  /** Relative l2 error of the framework's own float32 gradient. */
  readonly gap: number;
  readonly positions: readonly number[];
  readonly values: readonly number[];
}

export interface ForeignGraph {
  readonly label: string;
  readonly model: Uint8Array;
  readonly image: Tensor<'float32'>;
  /** The class per picture whose score, before a final Softmax, is differentiated. */
  readonly targets: readonly number[];
  /** [N, K]: what the graph's output is, after a final Softmax. */
  readonly scores: readonly (readonly number[])[];
  readonly gradients: Readonly<Record<string, ForeignGradient>>;
}

/** Graphs of test/golden/foreign: from Keras, PaddlePaddle and in the model zoo's manner. */
export function foreignGraphLabels(): string[] {
  const files = readdirSync(folder).filter(name => name.endsWith('.json'));
  return files.map(name => name.slice(0, -'.json'.length)).sort();
}

export function loadForeignGraph(label: string): ForeignGraph {
  const { input, targets, scores, gradients } = JSON.parse(readFileSync(new URL(`${label}.json`, folder), 'utf8'));
  const model = gunzipSync(readFileSync(new URL(`${label}.onnx.gz`, folder)));
  const data = uniform(input.seed, elements(input.dims), input.scale);
  const located = Object.entries(gradients as Record<string, ForeignGradient>).map(([tensor, gradient]) => {
    const positions = samplePositions(elements(gradient.dims), gradient.values.length);
    return [tensor, { ...gradient, positions }];
  });
  const image = { type: 'float32' as const, dims: input.dims as number[], data };
  return { label, model, image, targets, scores, gradients: Object.fromEntries(located) };
}

const elements = (dims: readonly number[]): number => dims.reduce((product, size) => product * size, 1);
