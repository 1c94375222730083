import { oneHot } from '../autodiff/accumulator.ts';
import { scale } from '../autodiff/blocked.ts';
import { Emitter } from '../autodiff/emitter.ts';
import { reduceSum } from '../autodiff/forms.ts';
import type { Value } from '../autodiff/value.ts';
import { OnnxCamError } from '../common/errors.ts';
import type { TailInGraph } from '../methods/definition.ts';
import { subgraphsOf } from '../model/graph/subgraphs.ts';
import type { Model } from '../model/load-model.ts';
import { slopes } from '../network/seeds.ts';
import { prefixTokens } from '../plan/conversions.ts';
import type { PlanWriter } from '../plan/plan-writer.ts';
import { REGION_INPUT } from '../plan/readout.ts';
import type { ScoreHead } from '../plan/score-head.ts';
import { appendScoreView } from '../plan/score-views.ts';
import { prefixInput, tailGraph } from '../plan/scoring-graphs.ts';
import { hasPrefix, type TargetLayer } from '../plan/target-layer.ts';
import { termsIn } from '../scoring/target-terms.ts';
import { repeated } from './repeat.ts';
import type { WrittenSeeds, WrittenTarget } from './written-seeds.ts';

/** What a tail is made of. */
export interface TailSource {
  readonly writer: PlanWriter;
  /** The model without what was appended. */
  readonly model: Model;
  readonly head: ScoreHead;
  readonly seeds: WrittenSeeds;
  readonly written: WrittenTarget;
}

/**
 * The network from a layer on once more, in the same graph, for changed copies of the layer's activations.
 * @throws `ERR_METHOD_UNSUPPORTED` where the network cannot be cut there or takes a fixed number of images
 */
export function tailInGraph(source: TailSource, layer: TargetLayer): TailInGraph {
  const { writer, model, head, seeds, written } = source;
  if (model.input.batch !== undefined)
    throw new OnnxCamError(
      'ERR_METHOD_UNSUPPORTED',
      `the part of the network behind "${layer.name}" would run on a batch of changed copies, but the model takes ` +
        `${model.input.batch} image${model.input.batch === 1 ? '' : 's'} at once; export it with an open batch, or take a method without runs of changed ` +
        'activations',
    );
  return (changed, copies, { view: wanted, keepPrefix }) => {
    const rows = appendTail(source, layer, changed, copies, keepPrefix);
    const emit = new Emitter(writer.graph, writer.facts, 'onnx_cam_tail');
    // The probability of a confidence is itself.
    const view = head.kind === 'confidence' ? 'logit' : wanted;
    const terms = slopes({ terms: termsIn(written.target, view) });
    const [count] = writer.facts.get(writer.logits)!.dims as [number];
    const own = { name: writer.logits, ...writer.facts.get(writer.logits)!, type: rows.type };
    const scores = terms.map(term => {
      const name = appendScoreView(writer.graph, writer.facts, head, rows.name, term.view);
      const values = emit.reshape({ name, ...writer.facts.get(name)! }, [count, copies, head.classes]);
      const shown = oneHot(emit, seeds.classOf(emit, writer, term.index), own);
      const picked = emit.mul(values, emit.reshape(shown, [count, 1, head.classes]));
      return scale(emit, emit.reshape(reduceSum(emit, picked, [2]), [count, copies]), term.weight);
    });
    const sum = scores.reduce((all, one) => emit.add(all, one));
    writer.learn(emit.facts);
    return sum;
  };
}

/** @returns rows of scores float32 [N·copies, K] */
function appendTail(
  { writer, model, head }: TailSource,
  layer: TargetLayer,
  changed: Value,
  copies: number,
  keepPrefix: boolean,
): Value {
  const { graph, facts } = writer;
  const tail = tailGraph(model, model.facts, head, layer);
  const emit = new Emitter(graph, facts, 'onnx_cam_tail');
  const names = new Map([[tail.input, changed.name]]);
  if (hasPrefix(layer)) {
    const name = prefixTokens(graph, emit.facts, layer.name, layer);
    const tokens = { name, ...emit.facts.get(name)! };
    const kept = keepPrefix ? tokens : emit.mul(tokens, emit.scalar(0, tokens));
    names.set(prefixInput(layer), repeatEach(emit, kept, copies).name);
  }
  const { region } = writer.readout;
  if (region !== undefined) {
    // One that the user gave counts for every image.
    const given = region === REGION_INPUT;
    names.set(REGION_INPUT, given ? region : repeatEach(emit, { name: region, ...facts.get(region)! }, copies).name);
  }
  for (const { name } of tail.graph.inputs) if (!names.has(name)) names.set(name, name);
  for (const [name, weight] of tail.graph.initializers) {
    const shared = graph.initializers.get(name) === weight;
    const own = shared ? name : `${emit.prefix}/${name}`;
    names.set(name, own);
    if (!shared) graph.initializers.set(own, { ...weight, name: own });
  }
  const nested = tail.graph.nodes.find(({ attributes }) => subgraphsOf(attributes.protos).length > 0);
  if (nested)
    throw new OnnxCamError(
      'ERR_METHOD_UNSUPPORTED',
      `behind "${layer.name}" lies control flow (${nested.op} "${nested.name}"), which cannot be written a second time into one graph`,
    );
  const renamed = (name: string) => name && (names.get(name) ?? `${emit.prefix}/${name}`);
  graph.append(
    ...tail.graph.nodes.map(node => ({
      ...node,
      // Old runtimes call what they fuse by the node's name, and refuse two of a name.
      name: `${emit.prefix}/${node.outputs[0]}`,
      inputs: node.inputs.map(renamed),
      outputs: node.outputs.map(renamed),
    })),
  );
  const rows: Value = { name: renamed(tail.output), type: 'float32', dims: [changed.dims[0]!, head.classes] };
  emit.facts.set(rows.name, rows);
  writer.learn(emit.facts);
  return rows;
}

/** Every row of a tensor [N, …] so often, [N·copies, …]. */
function repeatEach(emit: Emitter, x: Value, copies: number): Value {
  const [count, ...rest] = x.dims as [number, ...number[]];
  const column = emit.reshape(x, [count, 1, ...rest]);
  const ones = emit.ints([1, copies, ...rest.map(() => 1)]);
  const several = repeated(emit, column, ones, [count, copies, ...rest]);
  return emit.reshape(several, [count === -1 ? -1 : count * copies, ...rest]);
}
