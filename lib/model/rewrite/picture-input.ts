import { toInt64s } from '../../common/sizes.ts';
import type { TensorType } from '../../engine/tensor.ts';
import type { ImageInput } from '../find/input.ts';
import { type Graph, type GraphNode, makeNode } from '../graph/graph.ts';
import { capturedBy, subgraphsOf } from '../graph/subgraphs.ts';
import { codeOfType, makeTensorProto, typeOfCode } from '../graph/tensor-values.ts';
import { describeValue, makeValueInfo } from '../graph/value-info.ts';

/** Operators that hand values on as they are, of any type, from their first input to their first output. */
const MOVING: ReadonlySet<string> = new Set([
  ...['Identity', 'Transpose', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Slice', 'Gather', 'Expand', 'Tile'],
  ...['DepthToSpace', 'SpaceToDepth'],
]);
const FLOATS: readonly (TensorType | undefined)[] = ['float32', 'float16', 'float64', 'bfloat16'];
const INTEGERS: readonly TensorType[] = ['uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'uint64', 'int64'];

/**
 * Brings the image input into the form that everything else knows, in the graph itself: four axes, and float32 where whole
 * numbers are only moved about and cast to floats. Gradients then reach the picture, and masked pictures lose nothing.
 * Where whole numbers are computed with the input stays as it is.
 */
export function adaptPictureInput(graph: Graph, input: ImageInput): ImageInput {
  declareAxes(graph, input);
  if (input.axes && readInside(graph, input.name)) return input;
  if (input.axes) addAxis(graph, input);
  if (!INTEGERS.includes(input.type)) return input;
  const moved = movedOnly(graph, input.name);
  if (!moved) return input;
  const index = graph.inputs.findIndex(({ name }) => name === input.name);
  graph.inputs[index] = makeValueInfo(input.name, 'float32', input.dims);
  // Their declared types are those of whole numbers.
  graph.shapes.splice(0, graph.shapes.length, ...graph.shapes.filter(({ name }) => !moved.has(name)));
  graph.replaceNodes(
    graph.nodes.map(node =>
      node.op === 'Cast' && moved.has(node.inputs[0]!) && moved.has(node.outputs[0]!)
        ? makeNode('Identity', node.inputs, node.outputs, {}, { name: node.name })
        : node,
    ),
  );
  return { ...input, type: 'float32' };
}

/** Of an input whose axes the file does not say: the runtime takes it for a scalar. */
function declareAxes(graph: Graph, { name, type, dims }: ImageInput): void {
  const place = graph.inputs.findIndex(one => one.name === name);
  if (!describeValue(graph.inputs[place]!).dims) graph.inputs[place] = makeValueInfo(name, type, dims);
}

/** The tensors that hold the whole numbers; undefined where something else than a cast to floats reads one of them. */
function movedOnly(graph: Graph, input: string): ReadonlySet<string> | undefined {
  const moved = new Set([input]);
  for (const node of graph.nodes) {
    const reads = node.inputs.filter(name => moved.has(name));
    const captured = subgraphsOf(node.attributes.protos).length > 0 && [...moved].some(name => isRead(node, name));
    if (captured) return undefined;
    if (reads.length === 0 || node.op === 'Shape' || node.op === 'Size') continue;
    if (node.domain !== '' || reads.length > 1 || !moved.has(node.inputs[0]!)) return undefined;
    if (node.op === 'Cast') {
      const to = typeOfCode(node.attributes.int('to', 0));
      if (FLOATS.includes(to)) continue;
      // To wider whole numbers: no value changes.
      if (to !== 'int32' && to !== 'int64') return undefined;
    } else if (!MOVING.has(node.op)) return undefined;
    moved.add(node.outputs[0]!);
  }
  return graph.outputs.some(({ name }) => moved.has(name)) ? undefined : moved;
}

/** A graph input with an axis more in front of (or behind) which the network finds its own. */
function addAxis(graph: Graph, { name, axes, dims, type }: ImageInput): void {
  const own = `${name}/picture`;
  const axis = axes === 'nhw' ? 1 : 0;
  const index = graph.inputs.findIndex(one => one.name === name);
  graph.inputs[index] = makeValueInfo(name, type, dims);
  const nodes = graph.nodes.map(node =>
    node.inputs.includes(name) ? { ...node, inputs: node.inputs.map(one => (one === name ? own : one)) } : node,
  );
  const listed = graph.opset >= 13;
  const constant = `${own}/axis`;
  if (listed) graph.initializers.set(constant, makeTensorProto(constant, 'int64', [1], toInt64s([axis])));
  const squeeze = listed
    ? makeNode('Squeeze', [name, constant], [own])
    : makeNode('Squeeze', [name], [own], { axes: [axis] });
  graph.replaceNodes([squeeze, ...nodes]);
}

const readInside = (graph: Graph, name: string): boolean =>
  graph.nodes.some(node => subgraphsOf(node.attributes.protos).length > 0 && isRead(node, name));

/** In one of the node's bodies. */
function isRead(node: GraphNode, name: string): boolean {
  const bodies = subgraphsOf(node.attributes.protos);
  return bodies.some(body => capturedBy(body).has(name));
}

/** Whole numbers of this type from float32: rounded and held within its range. */
export function roundedCast(graph: Graph, from: string, to: string, type: TensorType): GraphNode[] {
  const constant = (name: string, value: number) => {
    const full = `onnx_cam/round/${name}`;
    graph.initializers.set(full, makeTensorProto(full, 'float32', [1], Float32Array.of(value)));
    return full;
  };
  const step = (name: string) => `${to}/${name}`;
  const nodes = [
    makeNode('Add', [from, constant('half', 0.5)], [step('half')]),
    makeNode('Floor', [step('half')], [step('whole')]),
  ];
  let last = step('whole');
  const range = INTEGER_RANGES[type];
  if (range) {
    nodes.push(makeNode('Max', [last, constant('least', range[0])], [step('least')]));
    nodes.push(makeNode('Min', [step('least'), constant('most', range[1])], [step('most')]));
    last = step('most');
  }
  return [...nodes, makeNode('Cast', [last], [to], { to: codeOfType(type) })];
}

/** Of wider types float32 holds no largest value. */
export const INTEGER_RANGES: Readonly<Partial<Record<TensorType, readonly [number, number]>>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65_535],
  int16: [-32_768, 32_767],
};
