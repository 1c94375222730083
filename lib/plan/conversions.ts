import { toInt64s } from '../common/sizes.ts';
import type { TensorFacts } from '../model/graph/facts.ts';
import { type Graph, makeNode } from '../model/graph/graph.ts';
import { codeOfType, makeTensorProto } from '../model/graph/tensor-values.ts';
import { describeValue, makeValueInfo } from '../model/graph/value-info.ts';
import { roundedCast } from '../model/rewrite/picture-input.ts';
import { appendReadout } from './readout.ts';
import type { AppendedReadout, ScoreHead } from './score-head.ts';

type Facts = Map<string, TensorFacts>;

/** A float32 copy of a tensor of another floating type. */
export function asFloat32(graph: Graph, facts: Facts, tensor: string): string {
  const { type, dims } = facts.get(tensor)!;
  if (type === 'float32') return tensor;
  return append(graph, facts, 'Cast', [tensor], { to: codeOfType('float32') }, { type: 'float32', dims });
}

/**
 * Makes the image input take float32, whatever the model takes.
 * @returns the name to feed
 */
export function feedFloat32(graph: Graph, facts: Facts, input: string): string {
  const index = graph.inputs.findIndex(({ name }) => name === input);
  const { type, dims } = describeValue(graph.inputs[index]!);
  if (type === 'float32' || type === undefined || type === 'string') return input;
  const fed = `${input}/float32`;
  graph.inputs[index] = makeValueInfo(fed, 'float32', dims);
  facts.set(fed, { type: 'float32', dims: facts.get(input)!.dims });
  const cast = type.includes('int')
    ? roundedCast(graph, fed, input, type)
    : [makeNode('Cast', [fed], [input], { to: codeOfType(type) })];
  graph.replaceNodes([...cast, ...graph.nodes]);
  return fed;
}

/**
 * Logits as [N, classes] (heads of convolutions keep axes of length 1), or what the head's readout makes of them.
 * @param fedRegion a predicted region is fed as it was in the unchanged picture
 */
export function asRows(graph: Graph, facts: Facts, head: ScoreHead, fedRegion = false): AppendedReadout {
  const { tensor, dims, classes, classAxis, readout } = head;
  if (readout) return appendReadout(graph, facts, { ...head, readout }, fedRegion);
  const known = facts.get(tensor)!;
  if (dims.length < 2 || classAxis === 0) {
    // One score for each image in one axis [N], or the scores of the only image without an axis of its own.
    const shape = [classAxis === 0 ? 1 : (dims[0] ?? 1), classes];
    const rows = append(
      graph,
      facts,
      'Reshape',
      [tensor, integers(graph, 'rows', shape)],
      {},
      { ...known, dims: shape },
    );
    return { rows };
  }
  if (dims.length === 2) return { rows: tensor };
  return { rows: append(graph, facts, 'Flatten', [tensor], { axis: 1 }, { ...known, dims: [dims[0]!, classes] }) };
}

/** How a layer's tensor holds its feature maps. */
export interface FeatureLayout {
  readonly layout: 'nchw' | 'nhwc' | 'ncdhw' | 'frames' | 'tokens' | 'attention';
  /** Of frames: how many of the batch make one clip. */
  readonly frames?: number;
  /** Of attention: its heads. */
  readonly channels?: number;
  /** Of attention: the place of its keys. */
  readonly tokens?: { readonly grid: readonly [height: number, width: number]; readonly prefix: number };
}

/**
 * A layer's tensor (or its gradient, perhaps of size 1 over positions) as float32 [N, C, h, w], volumes and clips as
 * [N, C, D, h, w]; attention as [N, heads, queries, keys].
 */
export function asFeatureMaps(
  graph: Graph,
  facts: Facts,
  tensor: string,
  { layout, channels: heads, tokens, frames }: FeatureLayout,
): string {
  const float = asFloat32(graph, facts, tensor);
  const { dims } = facts.get(float)!;
  const type = 'float32';
  if (layout === 'nchw' || layout === 'ncdhw') return float;
  if (layout === 'nhwc') {
    const permuted = [dims[0]!, dims.at(-1)!, ...dims.slice(1, -1)];
    const perm = [0, dims.length - 1, ...dims.slice(1, -1).map((_, axis) => axis + 1)];
    return append(graph, facts, 'Transpose', [float], { perm }, { type, dims: permuted });
  }
  if (layout === 'frames') {
    const shape = [-1, frames!, ...dims.slice(1)];
    const clips = append(graph, facts, 'Reshape', [float, integers(graph, 'clips', shape)], {}, { type, dims: shape });
    const permuted = [-1, dims[1]!, frames!, ...dims.slice(2)];
    return append(graph, facts, 'Transpose', [clips], { perm: [0, 2, 1, 3, 4] }, { type, dims: permuted });
  }
  if (layout === 'attention' && dims.length === 4) return float;
  if (!tokens) throw new TypeError(`the token layer '${tensor}' has no grid`);
  const constant = (name: string, values: readonly number[]) => integers(graph, name, values);
  if (layout === 'attention') {
    const shape = [-1, heads!, ...dims.slice(-2)];
    return append(graph, facts, 'Reshape', [float, constant('heads', shape)], {}, { type, dims: shape });
  }
  const [batch, count, channels] = dims as [number, number, number];
  const [height, width] = tokens.grid;
  const patches =
    height * width === count
      ? float
      : append(
          graph,
          facts,
          'Slice',
          [
            float,
            constant('start', [tokens.prefix]),
            constant('end', [tokens.prefix + height * width]),
            constant('axis', [1]),
          ],
          {},
          { type, dims: [batch, height * width, channels] },
        );
  const channelsFirst = append(
    graph,
    facts,
    'Transpose',
    [patches],
    { perm: [0, 2, 1] },
    { type, dims: [batch, channels, height * width] },
  );
  return append(
    graph,
    facts,
    'Reshape',
    [channelsFirst, constant('shape', [0, 0, height, width])],
    {},
    { type, dims: [batch, channels, height, width] },
  );
}

/** The tokens before those of the picture, float32 [N, prefix, D]. */
export function prefixTokens(graph: Graph, facts: Facts, tensor: string, { tokens }: FeatureLayout): string {
  const float = asFloat32(graph, facts, tensor);
  const [batch, , channels] = facts.get(float)!.dims as [number, number, number];
  const bounds = [
    integers(graph, 'start', [0]),
    integers(graph, 'end', [tokens!.prefix]),
    integers(graph, 'axis', [1]),
  ];
  const dims = [batch, tokens!.prefix, channels];
  return append(graph, facts, 'Slice', [float, ...bounds], {}, { type: 'float32', dims });
}

/** An int64 vector of the graph. */
function integers(graph: Graph, name: string, values: readonly number[]): string {
  const full = `onnx_cam/tokens/${name}/${values.join('_')}`;
  if (!graph.initializers.has(full)) {
    const data = toInt64s(values);
    graph.initializers.set(full, makeTensorProto(full, 'int64', [values.length], data));
  }
  return full;
}

function append(
  graph: Graph,
  facts: Facts,
  op: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, number | readonly number[]>>,
  known: TensorFacts,
): string {
  const name = `onnx_cam/converted/${graph.nodes.length}`;
  graph.append(makeNode(op, inputs, [name], attributes));
  facts.set(name, known);
  return name;
}
