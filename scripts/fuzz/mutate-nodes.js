import { clone, create } from '@bufbuild/protobuf';
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  NodeProtoSchema,
  TensorProtoSchema,
} from 'onnx-buf';
import { ATTRIBUTES, anyInteger, FLOATS, MICROSOFT_OPERATORS, NAMES, OPERATORS } from './values.js';

/** Changes of operators, their attributes and the edges between them. Each takes a model and a Random. */

export const tensorNames = ({ graph }) => [
  ...graph.input.map(({ name }) => name),
  ...graph.initializer.map(({ name }) => name),
  ...graph.node.flatMap(({ output }) => output),
];

/** Whoever reads one tensor reads another. */
export function readInstead(graph, from, to) {
  for (const node of graph.node) node.input = node.input.map(name => (name === from ? to : name));
}

/** A node of the graph, now and then one of a subgraph or a function. */
export function anyNode({ graph, functions }, random) {
  const inner = functions.flatMap(({ node }) => node);
  const bodies = graph.node.flatMap(({ attribute }) => attribute.flatMap(({ g }) => g?.node ?? []));
  const [list] = [inner, bodies].filter(nodes => nodes.length > 0 && random.chance(0.2));
  return random.pick(list ?? graph.node);
}

const text = value => new TextEncoder().encode(value);

const MAKE_ATTRIBUTE = [
  [4, random => ({ type: AttributeType.INT, i: anyInteger(random) })],
  [4, random => ({ type: AttributeType.INTS, ints: integers(random) })],
  [2, random => ({ type: AttributeType.FLOAT, f: random.pick(FLOATS) })],
  [1, random => ({ type: AttributeType.FLOATS, floats: integers(random).map(() => random.pick(FLOATS)) })],
  [
    2,
    random => ({
      type: AttributeType.STRING,
      s: text(random.pick(['SAME_UPPER', 'VALID', 'linear', 'cubic', ...NAMES])),
    }),
  ],
  [1, random => ({ type: AttributeType.STRINGS, strings: [text(random.pick(NAMES)), text(random.pick(NAMES))] })],
  [1, random => ({ type: AttributeType.TENSOR, t: smallTensor(random) })],
];

function integers(random) {
  return Array.from({ length: random.below(7) }, () => anyInteger(random));
}

/** int64 or float32 with values that may not fit its shape. */
export function smallTensor(random, name = '') {
  const dims = random.weighted([
    [2, []],
    [4, [BigInt(random.below(5))]],
    [1, [1n, BigInt(random.below(4))]],
    [1, [anyInteger(random)]],
  ]);
  const count = random.chance(0.8) ? Number(dims.reduce((product, dim) => product * dim, 1n)) : random.below(5);
  const length = Number.isFinite(count) && count >= 0 && count < 64 ? count : 1;
  const values = Array.from({ length }, () => anyInteger(random));
  if (random.chance(0.6)) return create(TensorProtoSchema, { name, dataType: 7, dims, int64Data: values });
  return create(TensorProtoSchema, { name, dataType: 1, dims, floatData: values.map(() => random.pick(FLOATS)) });
}

function changeAttribute(model, random) {
  const node = anyNode(model, random);
  const attribute = random.pick(node?.attribute ?? []);
  if (!attribute) return addAttribute(model, random);
  const at = list => random.below(list.length);
  if (attribute.type === AttributeType.INT) attribute.i = anyInteger(random);
  else if (attribute.type === AttributeType.FLOAT) attribute.f = random.pick(FLOATS);
  else if (attribute.type === AttributeType.STRING)
    attribute.s = text(random.pick(['NOTSET', 'SAME_LOWER', 'asymmetric', ...NAMES]));
  else if (attribute.type === AttributeType.INTS && attribute.ints.length > 0 && random.chance(0.7))
    attribute.ints[at(attribute.ints)] = anyInteger(random);
  else if (attribute.type === AttributeType.INTS) attribute.ints = integers(random);
  else if (attribute.type === AttributeType.TENSOR && attribute.t) changeTensor(attribute.t, random);
  else attribute.type = random.below(15);
  return `${node.opType}.${attribute.name}`;
}

function addAttribute(model, random) {
  const node = anyNode(model, random);
  if (!node) return 'nothing';
  const name = random.pick(ATTRIBUTES);
  node.attribute = node.attribute.filter(one => one.name !== name || random.chance(0.1));
  node.attribute.push(create(AttributeProtoSchema, { name, ...random.weighted(MAKE_ATTRIBUTE)(random) }));
  return `${node.opType}.${name}`;
}

function dropAttribute(model, random) {
  const node = anyNode(model, random);
  const dropped = node?.attribute.splice(random.below(node.attribute.length), 1)[0];
  return `${node?.opType}.${dropped?.name}`;
}

function retypeAttribute(model, random) {
  const attribute = random.pick(anyNode(model, random)?.attribute ?? []);
  if (attribute) attribute.type = random.below(16);
  return attribute?.name ?? 'nothing';
}

/** Shape, element type or bytes of a weight. */
export function changeTensor(tensor, random) {
  const { dims } = tensor;
  switch (random.below(7)) {
    case 0:
      if (dims.length > 0) dims[random.below(dims.length)] = anyInteger(random);
      else dims.push(anyInteger(random));
      break;
    case 1:
      dims.splice(
        random.below(dims.length + 1),
        random.below(2),
        ...(random.chance(0.5) ? [anyInteger(random)] : [1n]),
      );
      break;
    case 2:
      tensor.dims = random.chance(0.5) ? dims.reverse() : [dims.reduce((product, dim) => product * dim, 1n)];
      break;
    case 3:
      tensor.rawData = tensor.rawData.subarray(0, random.below(tensor.rawData.length + 1));
      break;
    case 4: {
      // Other values of the same size.
      tensor.rawData = Uint8Array.from(tensor.rawData);
      const bytes = new DataView(tensor.rawData.buffer);
      const wide = tensor.dataType === 7;
      const size = wide ? 8 : 4;
      if (bytes.byteLength < size) break;
      const at = random.below(Math.floor(bytes.byteLength / size)) * size;
      if (wide) bytes.setBigInt64(at, anyInteger(random), true);
      else bytes.setFloat32(at, random.pick(FLOATS), true);
      break;
    }
    case 5:
      tensor.dataType = random.below(18);
      break;
    default:
      tensor.dims = [];
      tensor.rawData = new Uint8Array();
  }
}

function rewire(model, random) {
  const node = anyNode(model, random);
  if (!node) return 'nothing';
  const names = tensorNames(model);
  const name = random.chance(0.05) ? random.pick(NAMES) : random.pick(names);
  const at = random.below(node.input.length + (random.chance(0.2) ? 1 : 0));
  node.input[at] = name;
  return `${node.opType} reads ${name.slice(0, 40)}`;
}

function swapInputs(model, random) {
  const node = anyNode(model, random);
  if (!node || node.input.length < 2) return 'nothing';
  const [a, b] = [random.below(node.input.length), random.below(node.input.length)];
  [node.input[a], node.input[b]] = [node.input[b], node.input[a]];
  return node.opType;
}

function dropEdge(model, random) {
  const node = anyNode(model, random);
  if (!node) return 'nothing';
  const list = random.chance(0.7) ? node.input : node.output;
  if (random.chance(0.5)) list.splice(random.below(list.length), 1);
  else if (list.length > 0) list[random.below(list.length)] = '';
  return node.opType;
}

function renameOutput(model, random) {
  const node = anyNode(model, random);
  if (!node || node.output.length === 0) return 'nothing';
  const name = random.chance(0.5) ? random.pick(tensorNames(model)) : random.pick(NAMES);
  node.output[random.below(node.output.length)] = name;
  return node.opType;
}

function addOutput(model, random) {
  const node = anyNode(model, random);
  node?.output.push(`extra${random.below(3)}`);
  return node?.opType ?? 'nothing';
}

function dropNode({ graph }, random) {
  return graph.node.splice(random.below(graph.node.length), 1)[0]?.opType ?? 'nothing';
}

/** Leaves a node out: its readers read what it read. */
function bypass({ graph }, random) {
  const [node] = graph.node.splice(random.below(graph.node.length), 1);
  if (!node) return 'nothing';
  const [from] = node.output;
  readInstead(graph, from, node.input[0] ?? '');
  for (const output of graph.output) if (output.name === from) output.name = node.input[0] ?? '';
  return node.opType;
}

function repeatNode({ graph }, random) {
  const node = random.pick(graph.node);
  if (!node) return 'nothing';
  const copy = clone(NodeProtoSchema, node);
  if (random.chance(0.7)) copy.output = copy.output.map(name => name && `${name}/again`);
  graph.node.splice(random.below(graph.node.length + 1), 0, copy);
  return node.opType;
}

function moveNode({ graph }, random) {
  const [node] = graph.node.splice(random.below(graph.node.length), 1);
  if (node) graph.node.splice(random.below(graph.node.length + 1), 0, node);
  return node?.opType ?? 'nothing';
}

function otherOperator(model, random) {
  const node = anyNode(model, random);
  if (!node) return 'nothing';
  const before = node.opType;
  const own = random.chance(0.2);
  node.opType = random.pick(own ? MICROSOFT_OPERATORS : OPERATORS);
  if (own) {
    node.domain = 'com.microsoft';
    if (!model.opsetImport.some(({ domain }) => domain === 'com.microsoft'))
      model.opsetImport.push({ $typeName: 'onnx.OperatorSetIdProto', domain: 'com.microsoft', version: 1n });
  }
  if (random.chance(0.3)) node.attribute = [];
  return `${before} → ${node.opType}`;
}

/** A node of any operator between a tensor and all that read it. */
function insertNode({ graph }, random) {
  const node = random.pick(graph.node);
  const from = node?.output[0];
  if (!from) return 'nothing';
  const opType = random.pick(OPERATORS);
  readInstead(graph, from, `${from}/in`);
  const others = Array.from({ length: random.below(3) }, () => random.pick(tensorNames({ graph })));
  const attribute = Array.from({ length: random.below(3) }, () =>
    create(AttributeProtoSchema, { name: random.pick(ATTRIBUTES), ...random.weighted(MAKE_ATTRIBUTE)(random) }),
  );
  const made = create(NodeProtoSchema, { opType, input: [from, ...others], output: [`${from}/in`], attribute });
  graph.node.splice(graph.node.indexOf(node) + 1, 0, made);
  return opType;
}

function renameNode(model, random) {
  const node = anyNode(model, random);
  if (node) node.name = random.pick(NAMES);
  return node?.opType ?? 'nothing';
}

export const NODE_MUTATIONS = [
  [8, changeAttribute],
  [4, addAttribute],
  [2, dropAttribute],
  [1, retypeAttribute],
  [6, rewire],
  [2, swapInputs],
  [2, dropEdge],
  [2, renameOutput],
  [1, addOutput],
  [2, dropNode],
  [2, bypass],
  [2, repeatNode],
  [1, moveNode],
  [4, otherOperator],
  [4, insertNode],
  [1, renameNode],
];
