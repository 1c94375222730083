import type { Tensor } from '../engine/tensor.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import type { LayerTensors, MethodNeeds } from '../methods/definition.ts';
import type { Network, NetworkResult } from '../network/network.ts';
import { PASS_KINDS, PASSES } from '../plan/passes/index.ts';
import type { Pass, PassPlace } from '../plan/passes/pass.ts';
import type { TargetLayer } from '../plan/target-layer.ts';
import type { MethodRun } from '../request/request.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import { classifierRows } from './classifier-rows.ts';

/** What a run gave a method of one layer, for all images. */
export function layerTensors(
  network: Network,
  run: NetworkResult,
  layer: TargetLayer,
  method: MethodRun,
  targets: readonly ResolvedTarget[],
): LayerTensors {
  const { needs } = method;
  return {
    activations: run.activations.get(layer.name)!,
    tokens: layer.tokens,
    reader: layer.reader,
    bias: layer.bias,
    gradients: needs.gradients && run.gradients.get(layer.name),
    classifier: needs.classifier && classifierRows(network, run, layer, method, targets, needs.classifier),
    ...passTensors(network, run, layer, needs),
  };
}

/** What the further passes that a method asked for gave, each where the method finds it. */
function passTensors(
  { model }: Network,
  { passes }: NetworkResult,
  layer: TargetLayer,
  needs: MethodNeeds,
): Partial<LayerTensors> {
  const found: Partial<Record<PassPlace, FeatureMaps>> = {};
  for (const kind of PASS_KINDS) {
    const { as, of, wanted }: Pass = PASSES[kind];
    if (as && wanted(needs, layer)) found[as] = passes[kind].get(of === 'input' ? model.input.name : layer.name);
  }
  return found;
}

/** One image's share of a run: of the gradients its own, or with several targets all. */
export function imageTensors(run: NetworkResult, layer: TargetLayer, i: number, many: boolean): LayerTensors {
  const activations = run.activations.get(layer.name)!;
  const gradients = run.gradients.get(layer.name);
  return { activations: nthImage(activations, i), gradients: many || !gradients ? gradients : nthImage(gradients, i) };
}

function nthImage({ data, dims, depth }: FeatureMaps, n: number): FeatureMaps {
  const size = data.length / dims[0]!;
  return { data: data.subarray(n * size, (n + 1) * size), dims: [1, ...dims.slice(1)], depth };
}

/** Tensors of one image, joined along an axis. */
export function joined(parts: readonly FeatureMaps[], axis: number): FeatureMaps {
  const [first] = parts as [FeatureMaps];
  if (parts.length === 1) return first;
  const rows = first.dims.slice(0, axis).reduce((product, size) => product * size, 1);
  const sizes = parts.map(({ data }) => data.length / rows);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const data = new Float32Array(rows * total);
  let offset = 0;
  parts.forEach((part, n) => {
    const size = sizes[n]!;
    for (let row = 0; row < rows; row++)
      data.set(part.data.subarray(row * size, (row + 1) * size), row * total + offset);
    offset += size;
  });
  const length = parts.reduce((sum, { dims }) => sum + dims[axis]!, 0);
  return { data, dims: first.dims.with(axis, length) };
}

/** An image's class and register tokens, or zeros in their place if the method is told not to keep them. */
export function prefixOf(
  run: NetworkResult,
  layers: readonly TargetLayer[],
  i: number,
  { params }: MethodRun,
): Tensor<'float32'> | undefined {
  const all = layers.flatMap(({ name }) => run.passes.prefix.get(name) ?? []);
  if (all.length < layers.length) return undefined;
  const own = all.map(one => nthImage(one, i));
  const { data, dims } = joined(own, 2);
  return { type: 'float32', data: params.keepPrefix === false ? new Float32Array(data.length) : data, dims };
}

/** An image's own region, or the one given for all. */
export function nthRegion({ data, dims }: Tensor<'bool'>, n: number): Tensor<'bool'> {
  const size = data.length / dims[0]!;
  const own = Math.min(n, dims[0]! - 1);
  return { type: 'bool', data: data.subarray(own * size, (own + 1) * size), dims: [1, ...dims.slice(1)] };
}

/** [C, h, w], of volumes [C, D, h, w]. */
export function shapeOf({ dims: [, channels, rows, width], depth }: FeatureMaps): number[] {
  return depth === undefined ? [channels!, rows!, width!] : [channels!, depth, rows! / depth, width!];
}
