import { Emitter } from '../autodiff/emitter.ts';
import type { Value } from '../autodiff/value.ts';
import { OnnxCamError } from '../common/errors.ts';
import type { ImageInput } from '../model/find/input.ts';
import type { TensorFacts } from '../model/graph/facts.ts';
import type { Graph } from '../model/graph/graph.ts';
import { capturedBy, subgraphsOf } from '../model/graph/subgraphs.ts';
import { type DeclaredDim, describeValue, makeValueInfo } from '../model/graph/value-info.ts';
import type { Model } from '../model/load-model.ts';
import { roundedCast } from '../model/rewrite/picture-input.ts';

type Facts = Map<string, TensorFacts>;

/**
 * Gives a copy of the model's graph the image input that the file has: other types, and inputs of three axes, were adapted
 * when it was read (lib/model/rewrite/picture-input.ts).
 */
export function withOwnInput(graph: Graph, facts: Facts, { input, original }: Model): void {
  const adapted = describeValue(graph.inputs.find(({ name }) => name === input.name)!);
  const own = describeValue(original.inputs.find(({ name }) => name === input.name)!);
  if (own.type === adapted.type && (own.dims?.length ?? adapted.dims?.length) === adapted.dims?.length) return;
  if (own.type === undefined || own.type === 'string' || !own.dims) return;
  const { type } = own;
  const known = facts.get(input.name)!;
  const dims = withoutAddedAxis(adapted.dims!, input.axes);
  putBefore(graph, facts, input.name, type, dims, emit => {
    const entered: Value = { name: input.name, type, dims: dims.map(dim => (typeof dim === 'number' ? dim : -1)) };
    return emit.reshape(emit.cast(entered, known.type), known.dims);
  });
}

function withoutAddedAxis(dims: readonly DeclaredDim[], axes: ImageInput['axes']): readonly DeclaredDim[] {
  if (!axes) return dims;
  return dims.toSpliced(axes === 'nhw' ? 1 : 0, 1);
}

/**
 * Replaces an input by another of the same name, from which nodes make what the graph goes on reading.
 * @param write appends these nodes; what it returns is cast to the type that is read
 */
export function putBefore(
  graph: Graph,
  facts: Facts,
  input: string,
  type: TensorFacts['type'],
  dims: readonly DeclaredDim[],
  write: (emit: Emitter) => Value,
): void {
  const readers = graph.nodes;
  if (readers.some(node => subgraphsOf(node.attributes.protos).some(body => capturedBy(body).has(input))))
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `control flow of the model reads its input "${input}" directly, so that nothing can be put before it`,
    );
  const read = facts.get(input)!;
  const place = graph.inputs.findIndex(({ name }) => name === input);
  graph.inputs[place] = makeValueInfo(input, type, dims);
  graph.replaceNodes([]);
  const emit = new Emitter(graph, facts, 'onnx_cam_input');
  const made = write(emit);
  const inside =
    isWhole(read.type) && !isWhole(made.type) ? rounded(emit, made, read.type) : emit.cast(made, read.type);
  for (const [name, known] of emit.facts) facts.set(name, known);
  facts.set(input, { type, dims: dims.map(dim => (typeof dim === 'number' ? dim : -1)) });
  facts.set(inside.name, { ...read });
  const renamed = (names: readonly string[]) => names.map(name => (name === input ? inside.name : name));
  graph.replaceNodes([...graph.nodes, ...readers.map(node => ({ ...node, inputs: renamed(node.inputs) }))]);
}

const isWhole = (type: string): boolean => type.includes('int');

function rounded(emit: Emitter, { name, dims }: Value, type: TensorFacts['type']): Value {
  const whole = `${name}/${type}`;
  emit.graph.append(...roundedCast(emit.graph, name, whole, type));
  emit.facts.set(whole, { type, dims });
  return { name: whole, type, dims };
}
