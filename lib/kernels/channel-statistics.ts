import { addon } from '../engine/addon.ts';
import { type FeatureMaps, featureShape } from './features.ts';
import type { Answer } from './native-kernels.ts';

/** Population deviation, mean, maximum or minimum over positions. */
export type ChannelStatistic = 'deviation' | 'mean' | 'maximum' | 'minimum';

interface StatisticKernels {
  channelStatistics(
    statistic: ChannelStatistic,
    activations: Float32Array,
    channels: number,
    positions: number,
  ): Answer<Float64Array>;
  uniformChannels(
    activations: Float32Array,
    channels: number,
    positions: number,
    select: Uint32Array,
    values: Float32Array,
  ): Answer<Uint8Array>;
}

/**
 * What is said of each channel of all images, [N·C], in double precision. NaN makes it NaN; the maximum passes over NaN.
 * @throws `ERR_INPUT_SHAPE`
 */
export async function channelStatistics(features: FeatureMaps, statistic: ChannelStatistic): Promise<Float64Array> {
  const { images, channels, positions } = featureShape(features, 'features');
  return addon<StatisticKernels>().channelStatistics(statistic, features.data, images * channels, positions);
}

/**
 * 1 where channel select[i] of one image holds nothing but values[i].
 * @throws `ERR_INPUT_SHAPE`
 */
export async function uniformChannels(
  features: FeatureMaps,
  select: Uint32Array,
  values: Float32Array,
): Promise<Uint8Array> {
  const { images, channels, positions } = featureShape(features, 'features');
  return addon<StatisticKernels>().uniformChannels(features.data, images * channels, positions, select, values);
}
