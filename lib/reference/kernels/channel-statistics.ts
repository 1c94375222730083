import type { ChannelStatistic } from '../../kernels/channel-statistics.ts';
import { type FeatureMaps, featureShape } from '../../kernels/features.ts';

/** Twins of native/kernels/reduce/channel_statistics.cpp. */

export function channelStatistics(features: FeatureMaps, statistic: ChannelStatistic): Float64Array {
  const { images, channels, positions } = featureShape(features, 'features');
  return Float64Array.from({ length: images * channels }, (_, k) => {
    const values = Float64Array.from(features.data.subarray(k * positions, (k + 1) * positions));
    const mean = values.reduce((sum, value) => sum + value, 0) / positions;
    if (statistic === 'mean') return mean;
    if (statistic === 'deviation')
      return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / positions);
    if (statistic === 'minimum') return values.reduce((least, value) => Math.min(least, value));
    return Math.max(...values.filter(value => !Number.isNaN(value)));
  });
}

export function uniformChannels(features: FeatureMaps, select: Uint32Array, values: Float32Array): Uint8Array {
  const { positions } = featureShape(features, 'features');
  return Uint8Array.from(select, (k, i) =>
    features.data.subarray(k * positions, (k + 1) * positions).every(value => value === values[i]) ? 1 : 0,
  );
}
