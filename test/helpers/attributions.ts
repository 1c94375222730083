import { Session } from '../../lib/engine/session.ts';
import type { Tensor } from '../../lib/engine/tensor.ts';
import { findMethod } from '../../lib/methods/registry.ts';
import { serializeModel } from '../../lib/model/file/serialize-model.ts';
import { type Graph, makeNode } from '../../lib/model/graph/graph.ts';
import type { Model } from '../../lib/model/load-model.ts';
import { planGraph } from '../../lib/plan/plan-graph.ts';
import { chooseLayers } from '../../lib/request/layers.ts';
import type { ScoreView } from '../../lib/targets/target.ts';

export interface Attributed {
  /** One value for each image. */
  readonly relevance: readonly { readonly sum: number; readonly size: number }[];
  readonly contributions: readonly number[];
  /** score(A) − score(0), the second from a run of the network with the layer set to zero. */
  readonly differences: readonly number[];
}

export interface AttributionCase {
  readonly images: Tensor<'float32'>;
  /** A class for each image. */
  readonly targets: readonly number[];
  readonly layer: string;
  readonly passes?: readonly ('relevance' | 'contributions')[];
  readonly view?: ScoreView;
}

/** Sums of a layer's attributions over all its elements, and what they should be, from runs of their own. */
export async function attribute(
  model: Model,
  { images, targets, layer, passes = ['relevance', 'contributions'], view = 'logit' }: AttributionCase,
): Promise<Attributed> {
  const layers = chooseLayers(model, findMethod('lift-cam'), layer, undefined);
  const planned = planGraph(model, model.facts, model.logits, layers, {
    activations: [layer],
    gradients: [],
    passes: Object.fromEntries(passes.map(pass => [pass, [layer]])),
    seed: { kind: 'index', view },
    manyScores: false,
  });
  const outputs = passes.map(pass => planned.passes[pass].get(layer)!);
  const values = await run(planned.graph, { [planned.input]: images, ...planned.classFeeds!(targets) }, [
    planned.logits,
    ...outputs,
  ]);
  const maps = (pass: (typeof passes)[number]): Float32Array[] => {
    if (!passes.includes(pass)) return [];
    const { data } = values[planned.passes[pass].get(layer)!]!;
    const size = data.length / targets.length;
    return targets.map((_, n) => (data as Float32Array).subarray(n * size, (n + 1) * size));
  };
  const { tensor } = model.logits;
  const reference = await run(zeroed(model.graph, layer), { [model.input.name]: images }, [tensor]);
  const score = (logits: Tensor, n: number): number => {
    const classes = logits.data.length / targets.length;
    const row = Array.from(logits.data.slice(n * classes, (n + 1) * classes) as Float32Array);
    const largest = Math.max(...row);
    const exps = row.map(value => Math.exp(value - largest));
    const probability = exps[targets[n]!]! / exps.reduce((sum, value) => sum + value, 0);
    const logit = row[targets[n]!]!;
    return { logit, probability, logProbability: Math.log(probability), rest: logit + Math.log(probability) }[view];
  };
  return {
    relevance: maps('relevance').map(map => ({ sum: total(map), size: total(map.map(Math.abs)) })),
    contributions: maps('contributions').map(total),
    differences: targets.map((_, n) => score(values[planned.logits]!, n) - score(reference[tensor]!, n)),
  };
}

/** In double precision. */
function total(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

/** The graph with zeros in the place of a layer. */
function zeroed(source: Graph, layer: string): Graph {
  const graph = source.clone();
  const rename = (name: string) => (name === layer ? `${layer}/zero` : name);
  graph.replaceNodes(
    source.nodes.flatMap(node => {
      const renamed = { ...node, inputs: node.inputs.map(rename) };
      return node.outputs.includes(layer) ? [renamed, makeNode('Sub', [layer, layer], [rename(layer)])] : [renamed];
    }),
  );
  return graph;
}

async function run(source: Graph, feeds: Record<string, Tensor>, fetches: readonly string[]) {
  const graph = source.clone();
  for (const name of fetches)
    if (!graph.outputs.some(output => output.name === name))
      graph.outputs.push({ ...graph.outputs[0]!, name, type: undefined });
  const { model, externalFiles } = serializeModel(graph);
  const session = await Session.create(model, { externalFiles });
  try {
    return await session.run(feeds, [...new Set(fetches)]);
  } finally {
    await session.dispose();
  }
}
