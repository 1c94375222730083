import type { KernelPcaKernel, KernelPcaOptions, PrincipalComponentOptions } from '../../kernels/decompositions.ts';
import { type FeatureMaps, featurePair, featureShape } from '../../kernels/features.ts';
import type { Maps } from '../../kernels/types.ts';
import { rowsOf } from './reductions.ts';

/** Twin of native/kernels/decompose/principal_component.cpp, with Jacobi rotations for the eigenvectors. */
export function principalComponent(
  activations: FeatureMaps,
  { centre, gradients, weights, sign }: PrincipalComponentOptions,
): Maps {
  const { channels } = featureShape(activations, 'activations');
  const factors = gradients ?? {
    data: weights ?? new Float32Array(channels).fill(1),
    dims: [weights ? weights.length / channels : 1, channels, 1],
  };
  // A lazy factor of rank 3 would read as [C, h, w].
  const pair = featurePair(activations, gradients ?? { ...factors, dims: [...factors.dims, 1] });
  const { images, positions, height, width } = pair.shape;
  const data = new Float32Array(images * positions);
  for (let n = 0; n < images; n++) {
    const rows = Array.from({ length: positions }, () => new Float64Array(channels));
    const strength = new Float64Array(positions);
    for (let k = 0; k < channels; k++) {
      const { first, gradient, step } = rowsOf(pair, n, k);
      for (let i = 0; i < positions; i++) {
        const a = activations.data[first + i]!;
        rows[i]![k] = Math.fround(a * factors.data[gradient + i * step]!);
        strength[i]! += Math.abs(a);
      }
    }
    if (centre) centreChannels(rows);
    const map = firstProjection(rows);
    const agreement = map.reduce((sum, value, i) => sum + value * strength[i]!, 0);
    const flip = sign === 'activation' && agreement !== 0 ? agreement < 0 : Math.max(...map) < -Math.min(...map);
    for (let i = 0; i < positions; i++) data[n * positions + i] = flip ? -map[i]! : map[i]!;
  }
  return { data, dims: [images, height, width] };
}

/** σ₁u₁ of the matrix with these rows. */
function firstProjection(rows: readonly Float64Array[]): Float64Array {
  const channels = rows[0]!.length;
  if (rows.length <= channels) {
    const { value, vector } = leadingEigenpair(rows.map(a => Float64Array.from(rows, b => dot(a, b))));
    return vector.map(entry => entry * Math.sqrt(Math.max(value, 0)));
  }
  const columns = Array.from({ length: channels }, (_, k) => Float64Array.from(rows, row => row[k]!));
  const { vector } = leadingEigenpair(columns.map(a => Float64Array.from(columns, b => dot(a, b))));
  return Float64Array.from(rows, row => dot(row, vector));
}

/** Twin of native/kernels/decompose/kernel_pca.cpp. */
export function kernelPca(activations: FeatureMaps, { kernel, gamma }: KernelPcaOptions): Maps {
  const { images, channels, positions, height, width } = featureShape(activations, 'activations');
  const data = new Float32Array(images * positions);
  for (let n = 0; n < images; n++) {
    const first = n * channels * positions;
    const rows = Array.from({ length: positions }, (_, i) =>
      Float64Array.from({ length: channels }, (_, k) => activations.data[first + k * positions + i]!),
    );
    centreChannels(rows);
    const matrix = rows.map(a => Float64Array.from(rows, b => kernelValue(a, b, kernel, gamma ?? 1 / channels)));
    const largest = Math.max(...matrix.map(row => Math.max(...row.map(Math.abs))));
    centreBothWays(matrix);
    const { value, vector } = leadingEigenpair(matrix);
    if (value <= 16 * Number.EPSILON * positions * largest) continue;
    const factor = Math.sqrt(value) * (Math.max(...vector) < -Math.min(...vector) ? -1 : 1);
    for (let i = 0; i < positions; i++) data[n * positions + i] = factor * vector[i]!;
  }
  return { data, dims: [images, height, width] };
}

function kernelValue(a: Float64Array, b: Float64Array, kernel: KernelPcaKernel, gamma: number): number {
  switch (kernel) {
    case 'linear':
      return dot(a, b);
    case 'sigmoid':
      return Math.tanh(gamma * dot(a, b) + 1);
    case 'rbf':
      return Math.exp(-gamma * a.reduce((sum, value, k) => sum + (value - b[k]!) ** 2, 0));
    case 'poly':
      return (gamma * dot(a, b) + 1) ** 3;
    case 'cosine':
      return dot(a, b) / ((Math.sqrt(dot(a, a)) || 1) * (Math.sqrt(dot(b, b)) || 1));
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Subtracts the mean row, rounded to float as the kernels keep it. */
function centreChannels(rows: readonly Float64Array[]): void {
  const channels = rows[0]!.length;
  for (let k = 0; k < channels; k++) {
    const mean = rows.reduce((sum, row) => sum + row[k]!, 0) / rows.length;
    for (const row of rows) row[k] = Math.fround(row[k]! - mean);
  }
}

/** K − JK − KJ + JKJ of a symmetric matrix. */
function centreBothWays(matrix: readonly Float64Array[]): void {
  const size = matrix.length;
  const means = matrix.map(row => row.reduce((sum, value) => sum + value, 0) / size);
  const mean = means.reduce((sum, value) => sum + value, 0) / size;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) matrix[i]![j]! += mean - means[i]! - means[j]!;
  }
}

/** Largest eigenvalue and its unit vector, by cyclic Jacobi rotations; NaN where the matrix is not finite. */
export function leadingEigenpair(symmetric: readonly Float64Array[]): { value: number; vector: Float64Array } {
  const size = symmetric.length;
  const matrix = symmetric.map(row => row.slice());
  const vectors = matrix.map((_, i) => Float64Array.from({ length: size }, (_, j) => (i === j ? 1 : 0)));
  if (!matrix.every(row => row.every(Number.isFinite))) {
    return { value: Number.NaN, vector: new Float64Array(size).fill(Number.NaN) };
  }
  const total = matrix.reduce((sum, row) => sum + dot(row, row), 0);
  for (let sweep = 0; sweep < 60; sweep++) {
    const outside = matrix.reduce((sum, row, i) => sum + dot(row, row) - row[i]! ** 2, 0);
    if (outside <= 1e-30 * total) break;
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) rotate(matrix, vectors, p, q);
  }
  let best = 0;
  for (let i = 1; i < size; i++) if (matrix[i]![i]! > matrix[best]![best]!) best = i;
  return { value: matrix[best]![best]!, vector: vectors[best]! };
}

/** The rotation that makes entry (p, q) zero. */
function rotate(matrix: readonly Float64Array[], vectors: readonly Float64Array[], p: number, q: number): void {
  const entry = matrix[p]![q]!;
  if (entry === 0) return;
  const theta = (matrix[q]![q]! - matrix[p]![p]!) / (2 * entry);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  const turn = (a: Float64Array, b: Float64Array) => {
    for (let i = 0; i < a.length; i++) {
      const x = a[i]!;
      const y = b[i]!;
      a[i] = c * x - s * y;
      b[i] = s * x + c * y;
    }
  };
  for (const row of matrix) {
    const x = row[p]!;
    const y = row[q]!;
    row[p] = c * x - s * y;
    row[q] = s * x + c * y;
  }
  turn(matrix[p]!, matrix[q]!);
  turn(vectors[p]!, vectors[q]!);
}
