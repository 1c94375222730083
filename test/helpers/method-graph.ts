import { Emitter } from '../../lib/autodiff/emitter.ts';
import { reduceSum } from '../../lib/autodiff/forms.ts';
import type { Value } from '../../lib/autodiff/value.ts';
import type { Tensor } from '../../lib/engine/tensor.ts';
import type { FeatureMaps } from '../../lib/kernels/features.ts';
import type { LayerInGraph, LayerTensors, MethodContext, TailInGraph } from '../../lib/methods/definition.ts';
import { resolveParams } from '../../lib/methods/params.ts';
import { findMethod } from '../../lib/methods/registry.ts';
import { layerMaps } from '../../lib/methods/support/layer-maps.ts';
import { float32, graphOf, runGraph } from '../autodiff/harness.ts';

/** Layers as a method gets them, of which `activations`, `gradients` and `classifier` are fed to its graph. */
export type FedLayer = Pick<LayerTensors, 'activations' | 'gradients' | 'classifier' | 'tokens' | 'reader'>;

export interface MethodGraphOptions {
  readonly opset?: number;
  /** The graph leaves the number of images open. */
  readonly dynamic?: boolean;
  readonly params?: Readonly<Record<string, unknown>>;
  /** Appends the scores of changed activations. */
  readonly tail?: (emit: Emitter) => TailInGraph;
  readonly eigenSmooth?: (emit: Emitter, terms: Value, activations: Value) => Value;
}

/** The graph of a method alone, from its layers to the raw map [N, 1, …positions]. */
export function methodGraph(method: string, layers: readonly FedLayer[], options: MethodGraphOptions = {}) {
  const { opset = 17, dynamic = false, params = {}, tail, eigenSmooth } = options;
  const definition = findMethod(method);
  const feeds: Record<string, Tensor> = {};
  for (const [i, { activations, gradients, classifier }] of layers.entries()) {
    feeds[`a${i}`] = float32(activations.dims, activations.data);
    if (gradients) feeds[`g${i}`] = float32(gradients.dims, gradients.data);
    const [count, channels] = activations.dims as [number, number];
    if (classifier) feeds[`w${i}`] = float32([count, channels], classifier);
  }
  const dimsOf = (name: string): number[] => feeds[name]!.dims.map((size, axis) => (dynamic && axis === 0 ? -1 : size));
  const inputs = Object.keys(feeds).map(name => [name, dimsOf(name).map(size => (size === -1 ? 'N' : size))] as const);
  const graph = graphOf({ nodes: [['Identity', ['a0'], ['same']]], inputs: Object.fromEntries(inputs), opset });
  const facts = new Map(Object.keys(feeds).map(name => [name, { type: 'float32' as const, dims: dimsOf(name) }]));
  const emit = new Emitter(graph, facts, 'm');
  const tensorOf = (name: string): Value | undefined => {
    const known = facts.get(name);
    return known && { name, ...known };
  };
  const values = layers.map(
    ({ tokens, reader }, i): LayerInGraph => ({
      activations: tensorOf(`a${i}`)!,
      gradients: tensorOf(`g${i}`),
      classifier: tensorOf(`w${i}`),
      tokens,
      reader,
      tail: tail?.(emit),
    }),
  );
  const chosen = resolveParams(definition, params, 'paper');
  const map = () => {
    if (definition.scope === 'graph' || !definition.inGraph) throw new TypeError(`${method} has no nodes`);
    if (definition.scope === 'layers') return definition.inGraph(emit, values, chosen);
    const result = definition.inGraph(emit, values.at(-1)!, chosen);
    if ('map' in result) return result.map;
    return eigenSmooth?.(emit, result.terms, values.at(-1)!.activations) ?? reduceSum(emit, result.terms, [1]);
  };
  return { graph, emit, feeds, map: map() };
}

/** What that graph gives in ONNX Runtime. */
export async function mapInGraph(
  method: string,
  layers: readonly FedLayer[],
  options: MethodGraphOptions = {},
): Promise<FeatureMaps> {
  const { graph, feeds, map } = methodGraph(method, layers, options);
  const { [map.name]: result } = await runGraph(graph, feeds, [map.name]);
  return { data: result!.data as Float32Array, dims: result!.dims };
}

/** What the method itself computes, before its outermost ReLU. */
export async function mapComputed(
  method: string,
  layers: readonly FedLayer[],
  params: Readonly<Record<string, unknown>> = {},
): Promise<Float32Array> {
  const definition = findMethod(method);
  const context: MethodContext = {
    params: resolveParams(definition, params, 'paper'),
    convention: 'paper',
    seed: 0,
    count: layers[0]!.activations.dims[0]!,
    size: { width: 1, height: 1 },
  };
  if (definition.scope === 'graph') throw new TypeError(`${method} looks at no single layer`);
  if (definition.scope === 'layers') return (await definition.compute(layers, context)).maps.data;
  const layer = layers.at(-1)!;
  const result = await definition.compute(layer, context);
  return (await layerMaps(layer, result, context.params.eigenSmooth === true)).data;
}

/** The largest difference of maps that are scaled by their largest magnitude, image by image; a map of zeros is itself. */
export function mapDistance(found: Float32Array, expected: Float32Array, images: number): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  const size = found.length / images;
  let most = 0;
  for (let n = 0; n < images; n++) {
    const [own, other] = [found, expected].map(data => unit(data.subarray(n * size, (n + 1) * size)));
    own!.forEach((value, i) => {
      const gap = Math.abs(value - other![i]!);
      most = Number.isNaN(gap) ? Number.POSITIVE_INFINITY : Math.max(most, gap);
    });
  }
  return most;
}

function unit(map: Float32Array): number[] {
  const largest = map.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return Array.from(map, value => (largest === 0 ? value : value / largest));
}
