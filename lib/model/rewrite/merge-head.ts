import { OnnxCamError, throwIfAborted } from '../../common/errors.ts';
import { largestOf } from '../../common/sizes.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { FactTable } from '../graph/facts.ts';
import { Graph, type GraphNode, makeNode } from '../graph/graph.ts';
import { subgraphsOf } from '../graph/subgraphs.ts';
import { copyOfWeight, makeTensorProto } from '../graph/tensor-values.ts';
import { describeValue, makeValueInfo } from '../graph/value-info.ts';
import { noiseTensor } from '../probe/noise-tensor.ts';
import { type CreateSession, withProbe } from '../probe/probe-session.ts';

/** Every tensor of a head has this before its name. */
const PREFIX = 'onnx_cam_head/';
/** The only output of a merged graph, float [N,1]. */
export const HEAD_SCORE = 'onnx_cam_score';

export interface MergeOptions {
  readonly facts: FactTable;
  /** The output that a head with one input of another name reads. */
  readonly output: string;
  readonly createSession: CreateSession;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A model's graph with another one behind it that makes one score of its outputs.
 * @param head its inputs have names of the model's outputs; a single one may have any name. Its single output holds one
 * value per image
 * @throws `ERR_MODEL_INVALID` for inputs that the model has no outputs for, or several outputs; `ERR_INPUT_SHAPE` for inputs
 * of another shape; `ERR_MODEL_UNSUPPORTED` for bodies of control flow, and for operators that mean something else in the
 * model's operator set
 */
export async function mergeHead(model: Graph, head: Graph, options: MergeOptions): Promise<Graph> {
  const sources = matchInputs(model, head, options);
  const nested = head.nodes.find(({ attributes }) => subgraphsOf(attributes.protos).length > 0);
  if (nested)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `the scoring graph has a body of control flow (${nested.op}), which cannot be merged into the model`,
    );
  if (head.outputs.length !== 1)
    throw new OnnxCamError(
      'ERR_MODEL_INVALID',
      `a scoring graph has one output, one score per image; this one has ${head.outputs.length}`,
    );
  await checkOperators(model, head, sources, options);

  const renamed = (name: string) => (name === '' ? '' : (sources.get(name) ?? PREFIX + name));
  const initializers = new Map(model.initializers);
  for (const [name, weight] of head.initializers)
    initializers.set(renamed(name), copyOfWeight(weight, { name: renamed(name) }));
  const shape = `${HEAD_SCORE}/shape`;
  initializers.set(shape, makeTensorProto(shape, 'int64', [2], BigInt64Array.of(-1n, 1n)));
  const nodes = head.nodes.map(
    (node): GraphNode => ({
      ...node,
      name: node.name && PREFIX + node.name,
      inputs: node.inputs.map(renamed),
      outputs: node.outputs.map(renamed),
    }),
  );
  return new Graph({
    inputs: model.inputs,
    outputs: [makeValueInfo(HEAD_SCORE)],
    nodes: [...model.nodes, ...nodes, makeNode('Reshape', [renamed(head.outputs[0]!.name), shape], [HEAD_SCORE])],
    initializers,
    opsets: new Map([...head.opsets, ...model.opsets]),
    irVersion: model.irVersion,
  });
}

/** The tensor that holds one value per image, if it is that. */
export function checkHeadScore(graph: Graph, facts: FactTable): void {
  const made = graph.producer(HEAD_SCORE)!.inputs[0]!;
  const { type, dims } = facts.get(made) ?? { type: 'unknown', dims: [] };
  if (type.includes('float') && dims.slice(1).every(size => size === 1)) return;
  throw new OnnxCamError(
    'ERR_MODEL_INVALID',
    `the scoring graph's output is a floating-point number for each image, [N] or [N,1]; this one gives ${type} [${dims}]`,
  );
}

/** By name the model's output that each input of the head reads. */
function matchInputs(model: Graph, head: Graph, { facts, output }: MergeOptions): ReadonlyMap<string, string> {
  const outputs = model.outputs.map(({ name }) => name);
  const single = head.inputs.length === 1 && !outputs.includes(head.inputs[0]!.name);
  const sources = new Map<string, string>();
  for (const { name, type, dims } of head.inputs.map(describeValue)) {
    const source = single ? output : name;
    if (!outputs.includes(source))
      throw new OnnxCamError(
        'ERR_MODEL_INVALID',
        `the scoring graph's input "${name}" is no output of the model, which has ${outputs.join(', ')}`,
      );
    const known = facts.get(source)!;
    const differs =
      dims !== undefined &&
      (dims.length !== known.dims.length ||
        dims.some((size, axis) => axis > 0 && typeof size === 'number' && known.dims[axis] !== size));
    if (differs || (type !== undefined && type !== known.type))
      throw new OnnxCamError(
        'ERR_INPUT_SHAPE',
        `the scoring graph's input "${name}" takes ${type} [${dims?.map(size => size || '?')}], the model's output "${source}" is ` +
          `${known.type} [${known.dims.map(size => (size < 0 ? 'N' : size))}]`,
      );
    sources.set(name, source);
  }
  if (sources.size === 0) throw new OnnxCamError('ERR_MODEL_INVALID', 'the scoring graph has no input to score');
  return sources;
}

/** Where the operator sets differ, the head has to give the same values in the model's. */
async function checkOperators(
  model: Graph,
  head: Graph,
  sources: ReadonlyMap<string, string>,
  { facts, createSession, signal }: MergeOptions,
): Promise<void> {
  const differing = [...head.opsets].filter(([domain, version]) => (model.opsets.get(domain) ?? version) !== version);
  if (differing.length === 0) return;
  const feeds = Object.fromEntries(
    [...sources].map(([name, source]): [string, Tensor] => {
      const { type, dims } = facts.get(source)!;
      return [
        name,
        noiseTensor(
          type,
          dims.map(size => (size < 0 ? 2 : size)),
          1,
        ),
      ];
    }),
  );
  const [name] = head.outputs.map(output => output.name) as [string];
  const valuesOf = (opsets: ReadonlyMap<string, number>) => {
    const graph = new Graph({ ...graphParts(head), opsets });
    return withProbe(graph, createSession, signal, async session => {
      const { data } = (await session.run(feeds, [name], { signal }))[name]!;
      return Array.from(data as ArrayLike<number>, Number);
    });
  };
  const own = await valuesOf(head.opsets);
  const [[domain, version]] = differing as [[string, number]];
  const wanted = model.opsets.get(domain)!;
  const refuse = (cause?: unknown) =>
    new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `the scoring graph is written for opset ${version}, the model for ${wanted}, where its operators ` +
        `${cause ? 'cannot be loaded' : 'give other values'}; export it for opset ${wanted}`,
      { cause },
    );
  const merged = await valuesOf(new Map([...head.opsets, ...model.opsets])).catch(cause => {
    throwIfAborted(signal);
    throw refuse(cause);
  });
  const largest = Math.max(largestOf(own.map(Math.abs)), 1e-6);
  if (merged.length !== own.length || merged.some((value, i) => Math.abs(value - own[i]!) > 1e-5 * largest))
    throw refuse();
}

function graphParts({ inputs, outputs, nodes, initializers, irVersion }: Graph) {
  return { inputs, outputs, nodes, initializers, irVersion };
}
