import type { Tensor } from '../engine/tensor.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import type { Logits } from '../model/find/logits.ts';
import { ScoreRow } from '../targets/score.ts';

export const NO_MAPS: ReadonlyMap<string, FeatureMaps> = new Map();

/** By layer name, the tensors with these names. */
export function mapsOf(
  names: ReadonlyMap<string, string>,
  outputs: Readonly<Record<string, Tensor>>,
): ReadonlyMap<string, FeatureMaps> {
  if (names.size === 0) return NO_MAPS;
  const maps = new Map<string, FeatureMaps>();
  for (const [layer, name] of names) maps.set(layer, planar(outputs[name] as Tensor<'float32'>));
  return maps;
}

/** Volumes [N, C, D, h, w] as maps of their slices one below the other. */
function planar(tensor: Tensor<'float32'>): FeatureMaps {
  const { dims } = tensor;
  // As it is: the data of a tensor on a device is copied when it is asked for.
  if (dims.length !== 5) return tensor;
  const [count, channels, depth, height, width] = dims as [number, number, number, number, number];
  return { data: tensor.data, dims: [count, channels, depth * height, width], depth };
}

/** The rows of scores that a run gave. */
export function scoreRows(logits: Float32Array, count: number, { classes, kind }: Logits): ScoreRow[] {
  const activation = kind === 'confidence' ? 'none' : kind === 'sigmoid' || classes === 1 ? 'sigmoid' : 'softmax';
  if (count === 1) return [new ScoreRow(logits, activation)];
  return Array.from(
    { length: count },
    (_, n) => new ScoreRow(logits.subarray(n * classes, (n + 1) * classes), activation),
  );
}
