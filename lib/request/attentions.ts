import { OnnxCamError } from '../common/errors.ts';
import { nearestNames } from '../common/suggest.ts';
import type { MethodDefinition } from '../methods/definition.ts';
import { type Attention, findAttentions, fusedAttentions } from '../model/find/attention.ts';
import { type Axes, tokensOf } from '../model/find/axes.ts';
import type { LayerSpec } from '../model/find/choose-layer.ts';
import { traceAxes } from '../model/find/trace-axes.ts';
import { constantValues } from '../model/graph/constant-chain.ts';
import type { Model } from '../model/load-model.ts';
import type { BlockEnd, TargetLayer } from '../plan/target-layer.ts';

/**
 * The attention matrices that a method works on, in the order of the network: all, or those that are named by tensor or
 * node, or counted from the end.
 * @throws `ERR_METHOD_UNSUPPORTED` where there are none, an operator hides them, or the method cannot join them;
 * `ERR_LAYER_NOT_FOUND` for a name that is none of them
 */
export function chooseAttentions(
  model: Model,
  definition: MethodDefinition,
  spec: LayerSpec | undefined,
): TargetLayer[] {
  const axes = traceAxes(model.graph, model.facts, model.input);
  const attentions = findAttentions(model.graph, model.facts, axes);
  const fail = (reason: string) => new OnnxCamError('ERR_METHOD_UNSUPPORTED', `${definition.name} ${reason}`);
  const [fused] = fusedAttentions(model.graph);
  if (fused)
    throw fail(
      `needs attention probabilities, which the fused operator ${fused.op} (node "${fused.name}") keeps to itself; ` +
        'export the model with separate MatMul and Softmax operators (PyTorch: opset 22 or less, no optimiser for transformers)',
    );
  if (attentions.length === 0)
    throw fail(
      'needs attention between the positions of the picture (MatMul, Softmax, MatMul), which this model has not',
    );
  const all = named(attentions, spec);
  const chosen = definition.needs.attention === 'last' ? all.slice(-1) : all;
  const inWindows = chosen.find(({ global }) => !global);
  if (inWindows)
    throw fail(`needs attention between all positions; "${inWindows.tensor}" looks at windows of the picture`);
  const sizes = chosen.map(({ tensor }) => model.facts.get(tensor)!.dims.slice(-2) as [number, number]);
  const [keys] = sizes[0]!.slice(-1);
  const square = sizes.every(size => size.every(count => count === keys));
  if (definition.needs.attention === 'square' && !square)
    throw fail(
      `joins the attention of all blocks, which must be between the same tokens; here the matrices are ${[
        ...new Set(sizes.map(size => size.join('×'))),
      ].join(', ')}`,
    );
  const ends = blockEnds(model, attentions);
  const reader = readsPrefix(model, axes, attentions.at(-1)!) ? 'class' : 'mean';
  if (definition.needs.gradients === 'block' && !ends)
    throw fail(
      'needs a residual stream of tokens that every path to the class scores passes through after each attention',
    );
  return chosen.map(attention => {
    const { tensor, node, keys: tokens } = attention;
    const { dims } = model.facts.get(tensor)!;
    const heads = axes
      .get(tensor)!
      .slice(0, -2)
      .flat()
      .reduce((product, { kind, size }) => (kind === 'batch' ? product : product * size), 1);
    return {
      name: tensor,
      node: node.name,
      operator: node.op,
      shape: dims,
      layout: 'attention' as const,
      channels: heads,
      spatial: tokens.grid,
      tokens,
      dominating: false,
      postActivation: false,
      normalized: false,
      attended: false,
      read: true,
      affine: false,
      reader,
      block: ends?.[attentions.indexOf(attention)],
      reason: spec === undefined || spec === 'auto' ? 'attention probabilities' : 'named by the caller',
    };
  });
}

/**
 * The end of each attention's block: the last tensor of tokens, not normalised, before the next attention (before the
 * head) that every path passes through. undefined where one has none.
 */
function blockEnds({ graph, layers }: Model, attentions: readonly Attention[]): BlockEnd[] | undefined {
  const position = new Map(graph.nodes.flatMap((node, i) => node.outputs.map(name => [name, i] as const)));
  const at = (name: string) => position.get(name)!;
  const tokens = layers.filter(
    ({ dominating, normalized, layout }) => dominating && !normalized && layout === 'tokens',
  );
  // Heads may go on with the patches alone.
  const shape = tokens.find(({ name }) => at(name) > at(attentions[0]!.tensor))?.shape.join();
  const stream = tokens.filter(layer => layer.shape.join() === shape);
  const last = stream.at(-1);
  const ends = attentions.map(({ tensor }, i) => {
    const next = attentions[i + 1];
    const own = stream.findLast(({ name }) => !next || at(name) < at(next.tensor));
    return own && at(own.name) > at(tensor) ? own.name : undefined;
  });
  return ends.every(end => end !== undefined) ? ends.map(end => ({ stream: end, last: last!.name })) : undefined;
}

/** Whether the head takes class or distillation tokens out, rather than the mean of tokens. */
function readsPrefix({ graph, facts }: Model, axes: ReadonlyMap<string, Axes>, { node: last }: Attention): boolean {
  return graph.nodes.slice(graph.nodes.indexOf(last)).some(node => {
    if (node.op !== 'Gather' && node.op !== 'Slice' && node.op !== 'Split') return false;
    const own = axes.get(node.inputs[0]!);
    const axis = own?.findIndex(one => (tokensOf(one)?.prefix ?? 0) > 0) ?? -1;
    if (axis < 0) return false;
    const prefix = tokensOf(own![axis]!)!.prefix;
    if (node.op === 'Gather') {
      const along = node.attributes.int('axis', 0);
      const [index] = constantValues(graph, facts, node.inputs[1]!) ?? [];
      return (along < 0 ? along + own!.length : along) === axis && index !== undefined && index >= 0 && index < prefix;
    }
    // Splits and slices of the prefix alone; of the rest the grid is still known.
    const [output] = node.outputs;
    const size = facts.get(output!)?.dims[axis];
    return size !== undefined && size <= prefix;
  });
}

function named(attentions: readonly Attention[], spec: LayerSpec | undefined): readonly Attention[] {
  if (spec === undefined || spec === 'auto' || spec === 'stages') return attentions;
  const wanted = new Set((Array.isArray(spec) ? spec : [spec]).map(one => findOne(attentions, one as string | number)));
  return attentions.filter(attention => wanted.has(attention));
}

function findOne(attentions: readonly Attention[], spec: string | number): Attention {
  const byName = attentions.find(({ tensor, node }) => tensor === spec || (node.name !== '' && node.name === spec));
  const index = Number(spec);
  const one = byName ?? (Number.isInteger(index) && index < 0 ? attentions.at(index) : undefined);
  if (one) return one;
  const near = nearestNames(
    String(spec),
    attentions.map(({ tensor }) => tensor),
    3,
  );
  throw new OnnxCamError(
    'ERR_LAYER_NOT_FOUND',
    `"${spec}" is no attention matrix; this method works on the ${attentions.length} Softmax outputs, ` +
      `${near.length > 0 ? `such as ${near.join(', ')}` : `the last of which is ${attentions.at(-1)!.tensor}`}`,
  );
}
