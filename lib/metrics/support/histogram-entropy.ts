/**
 * Entropy in nats of a histogram of equal bins between a map's own smallest and largest value (numpy.histogram: the last bin is
 * closed). Of a map that is equal everywhere 0.
 */
export function histogramEntropy(data: Float32Array, bins: number): number {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const value of data) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  if (min === max) return 0;
  const counts = new Float64Array(bins);
  for (const value of data) counts[Math.min(bins - 1, Math.floor(((value - min) / (max - min)) * bins))]! += 1;
  let entropy = 0;
  for (const count of counts) if (count > 0) entropy -= (count / data.length) * Math.log(count / data.length);
  return entropy;
}
