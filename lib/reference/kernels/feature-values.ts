import { type FeatureMaps, featurePair, featureShape } from '../../kernels/features.ts';
import type { Maps } from '../../kernels/types.ts';
import { rowsOf } from './reductions.ts';

/** Twin of native/kernels/map/change_values.cpp. */
export function gateGradients(activations: FeatureMaps, gradients: FeatureMaps): FeatureMaps {
  const pair = featurePair(activations, gradients);
  const { images, channels, positions } = pair.shape;
  const data = Float32Array.from({ length: images * channels * positions }, (_, at) => {
    const row = Math.floor(at / positions);
    const { first, gradient, step } = rowsOf(pair, Math.floor(row / channels), row % channels);
    const g = gradients.data[gradient + (at % positions) * step]!;
    return g * activations.data[first + (at % positions)]! > 0 ? g : 0;
  });
  return { data, dims: [images, ...activations.dims.slice(1)] };
}

/** Twins of native/kernels/map/colour_maps.cpp. */
export function maskColours(values: FeatureMaps, masks: Maps): FeatureMaps {
  const { channels, positions } = featureShape(values, 'values');
  const data = values.data.map(
    (value, i) => value * masks.data[Math.floor(i / (channels * positions)) * positions + (i % positions)]!,
  );
  return { data, dims: values.dims };
}

export function colourStrength(values: FeatureMaps): Maps {
  const { images, channels, positions, height, width } = featureShape(values, 'values');
  const sums = new Float64Array(images * positions);
  values.data.forEach((value, i) => {
    sums[Math.floor(i / (channels * positions)) * positions + (i % positions)]! += Math.abs(value);
  });
  return { data: Float32Array.from(sums), dims: [images, height, width] };
}
