import { clone, create } from '@bufbuild/protobuf';
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  FunctionProtoSchema,
  GraphProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { changeTensor, readInstead, smallTensor, tensorNames } from './mutate-nodes.js';
import { anyInteger, ELEMENT_TYPES, INTEGERS, NAMES } from './values.js';

/** Changes of inputs, outputs, weights, versions, functions and subgraphs. Each takes a model and a Random. */

const dimension = value =>
  create(
    TensorShapeProto_DimensionSchema,
    typeof value === 'bigint'
      ? { value: { case: 'dimValue', value } }
      : value === undefined
        ? {}
        : { value: { case: 'dimParam', value } },
  );

function anyDimension(random) {
  return dimension(random.chance(0.75) ? anyInteger(random) : random.chance(0.5) ? random.pick(NAMES) : undefined);
}

function changeDims({ graph }, random) {
  const value = random.pick(random.chance(0.75) ? graph.input : graph.output);
  const tensor = value?.type?.value.case === 'tensorType' ? value.type.value.value : undefined;
  if (!tensor?.shape) return 'nothing';
  const { dim } = tensor.shape;
  const at = random.below(dim.length);
  const kind = random.below(10);
  if (kind < 7 && dim.length > 0) dim[random.chance(0.4) ? 0 : at] = anyDimension(random);
  else if (kind === 7) dim.splice(at, 1);
  else if (kind === 8) dim.splice(at, 0, anyDimension(random));
  else tensor.shape = undefined;
  return `${value.name} [${dim.map(one => one.value.value ?? '?')}]`.slice(0, 80);
}

function changeType({ graph }, random) {
  const value = random.pick(random.chance(0.75) ? graph.input : graph.output);
  if (!value) return 'nothing';
  const tensor = value.type?.value.case === 'tensorType' ? value.type.value.value : undefined;
  if (tensor && random.chance(0.8)) tensor.elemType = random.pick(ELEMENT_TYPES);
  else value.type = undefined;
  return value.name;
}

function addValue({ graph }, random) {
  const list = random.pick([graph.input, graph.output, graph.valueInfo]);
  const copy = clone(
    ValueInfoProtoSchema,
    random.pick([...graph.input, ...graph.output]) ?? create(ValueInfoProtoSchema),
  );
  if (random.chance(0.7)) copy.name = random.chance(0.7) ? random.pick(tensorNames({ graph })) : random.pick(NAMES);
  list.push(copy);
  return copy.name.slice(0, 40);
}

function dropValue({ graph }, random) {
  const list = random.pick([graph.input, graph.output]);
  return list.splice(random.below(list.length), 1)[0]?.name ?? 'nothing';
}

function renameValue({ graph }, random) {
  const value = random.pick([...graph.input, ...graph.output]);
  if (value) value.name = random.chance(0.7) ? random.pick(tensorNames({ graph })) : random.pick(NAMES);
  return 'a value';
}

function changeWeight({ graph }, random) {
  const weight = random.pick(graph.initializer);
  if (!weight) return 'nothing';
  changeTensor(weight, random);
  return `${weight.name} [${weight.dims}]`;
}

function dropWeight({ graph }, random) {
  return graph.initializer.splice(random.below(graph.initializer.length), 1)[0]?.name ?? 'nothing';
}

function repeatWeight({ graph }, random) {
  const weight = random.pick(graph.initializer);
  if (!weight) return 'nothing';
  const copy = clone(TensorProtoSchema, weight);
  if (random.chance(0.5)) copy.name = random.pick(tensorNames({ graph }));
  graph.initializer.push(copy);
  return copy.name;
}

function replaceWeight({ graph }, random) {
  const at = random.below(graph.initializer.length);
  const { name } = graph.initializer[at] ?? {};
  if (name === undefined) return 'nothing';
  graph.initializer[at] = smallTensor(random, name);
  return name;
}

function changeVersions(model, random) {
  const kind = random.below(5);
  const opset = random.pick(model.opsetImport);
  if (kind === 0) model.irVersion = anyInteger(random);
  else if (kind === 1 && opset) opset.version = random.chance(0.7) ? BigInt(5 + random.below(24)) : anyInteger(random);
  else if (kind === 2) model.opsetImport.splice(random.below(model.opsetImport.length), 1);
  else if (kind === 3)
    model.opsetImport.push(
      create(OperatorSetIdProtoSchema, {
        domain: random.pick(['', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft', 'own', '__proto__']),
        version: anyInteger(random),
      }),
    );
  else if (opset) opset.domain = random.pick(NAMES);
  return 'versions';
}

const anyOpset = ({ opsetImport }) => opsetImport.map(one => clone(OperatorSetIdProtoSchema, one));

function importOwn(model, random) {
  if (random.chance(0.9)) model.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: 'own', version: 1n }));
}

/** A node becomes a call of a function with that node as its body. */
function intoFunction(model, random) {
  const { graph, functions } = model;
  const at = random.below(graph.node.length);
  const node = graph.node[at];
  if (!node) return 'nothing';
  const name = `F${functions.length}`;
  const formal = (names, prefix) => names.map((one, i) => (one && random.chance(0.98) ? `${prefix}${i}` : ''));
  const body = clone(NodeProtoSchema, node);
  body.input = formal(node.input, 'i');
  body.output = formal(node.output, 'o');
  const [attribute] = random.chance(0.3) ? body.attribute : [];
  if (attribute) attribute.refAttrName = attribute.name;
  functions.push(
    create(FunctionProtoSchema, {
      name,
      domain: 'own',
      input: node.input.map((_, i) => `i${i}`),
      output: node.output.map((_, i) => `o${i}`),
      attribute: attribute ? [attribute.name] : [],
      opsetImport: anyOpset(model),
      node: [body],
    }),
  );
  importOwn(model, random);
  graph.node[at] = create(NodeProtoSchema, {
    opType: name,
    domain: 'own',
    name: node.name,
    input: node.input,
    output: node.output,
    attribute: attribute ? node.attribute.filter(one => one.name === attribute.name) : [],
  });
  return node.opType;
}

/** Functions of one input that call each other: a line, a tree that doubles at each step, or a circle. */
function nestFunctions(model, random) {
  const { graph, functions } = model;
  const node = random.pick(graph.node);
  const from = node?.input[0];
  if (!from) return 'nothing';
  const depth = 1 + random.below(40);
  const width = 1 + random.below(3);
  const circle = random.chance(0.2);
  const first = functions.length;
  for (let i = 0; i < depth; i++) {
    const last = i === depth - 1;
    const opType = last ? (circle ? `N${first}` : 'Identity') : `N${first + i + 1}`;
    const calls = Array.from({ length: width }, (_, j) =>
      create(NodeProtoSchema, {
        opType,
        domain: last && !circle ? '' : 'own',
        input: [j === 0 ? 'i' : `t${j - 1}`],
        output: [j === width - 1 ? 'o' : `t${j}`],
      }),
    );
    functions.push(
      create(FunctionProtoSchema, {
        name: `N${first + i}`,
        domain: 'own',
        input: ['i'],
        output: ['o'],
        opsetImport: anyOpset(model),
        node: calls,
      }),
    );
  }
  importOwn(model, random);
  const name = `${from}/nested`;
  graph.node.splice(
    graph.node.indexOf(node),
    0,
    create(NodeProtoSchema, { opType: `N${first}`, domain: 'own', input: [from], output: [name] }),
  );
  node.input[0] = name;
  return `${depth} deep, ${width} wide${circle ? ', in a circle' : ''}`;
}

/** A node moves into the branches of an If, over and over. */
function intoBranches({ graph }, random) {
  const at = random.below(graph.node.length);
  const node = graph.node[at];
  if (!node) return 'nothing';
  const depth = random.weighted([
    [6, 1],
    [3, 3],
    [1, 60],
    [1, 300],
  ]);
  const condition = `condition${graph.node.length}`;
  graph.initializer.push(
    create(TensorProtoSchema, { name: condition, dataType: 9, dims: [], int32Data: [random.below(2)] }),
  );
  const values = node.output.map(name => create(ValueInfoProtoSchema, { name }));
  let inner = node;
  for (let i = 0; i < depth; i++) {
    const body = create(GraphProtoSchema, { name: 'branch', node: [inner], output: values });
    const branch = name => create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g: body });
    // Both branches deep would double at every step.
    const other =
      depth > 3
        ? create(AttributeProtoSchema, {
            name: 'else_branch',
            type: AttributeType.GRAPH,
            g: create(GraphProtoSchema, { name: 'no', node: [node], output: values }),
          })
        : branch('else_branch');
    inner = create(NodeProtoSchema, {
      opType: 'If',
      input: [condition],
      output: node.output,
      attribute: [branch('then_branch'), other],
    });
  }
  graph.node[at] = inner;
  return `${node.opType}, ${depth} deep`;
}

/** A tensor goes through many nodes in a row. */
function longChain({ graph }, random) {
  const node = random.pick(graph.node);
  const from = node?.output[0];
  if (!from) return 'nothing';
  const length = random.pick([10, 100, 1000]);
  const opType = random.pick(['Identity', 'Relu', 'Neg', 'Cast', 'Dropout', 'Add', 'Reshape']);
  const name = i => `${from}/chain/${i}`;
  readInstead(graph, from, name(length - 1));
  for (const output of graph.output) if (output.name === from) output.name = name(length - 1);
  const attribute =
    opType === 'Cast' ? [create(AttributeProtoSchema, { name: 'to', type: AttributeType.INT, i: 1n })] : [];
  if (opType === 'Reshape')
    graph.initializer.push(
      create(TensorProtoSchema, { name: `${from}/all`, dataType: 7, dims: [1n], int64Data: [-1n] }),
    );
  const chain = Array.from({ length }, (_, i) => {
    const before = i === 0 ? from : name(i - 1);
    const second = opType === 'Add' ? [before] : opType === 'Reshape' ? [`${from}/all`] : [];
    return create(NodeProtoSchema, { opType, input: [before, ...second], output: [name(i)], attribute });
  });
  graph.node.splice(graph.node.indexOf(node) + 1, 0, ...chain);
  return `${length} ${opType}`;
}

/** Weights kept in other files: those that are there, and those that must not be read. */
function toExternal(model, random) {
  const { graph } = model;
  const some = random.chance(0.5) ? graph.initializer : [random.pick(graph.initializer)].filter(Boolean);
  const location = random.weighted([
    [4, 'weights.bin'],
    [1, 'short.bin'],
    [1, 'pipe'],
    [1, 'huge.bin'],
    [1, 'link'],
    [1, 'folder'],
    [1, 'missing.bin'],
    [1, '/dev/zero'],
    [1, '../../../../etc/hostname'],
    [1, random.pick(NAMES)],
  ]);
  let offset = 0;
  for (const weight of some) {
    const length = weight.rawData.byteLength;
    const odd = random.chance(0.2);
    const entries = [
      ['location', location],
      [
        'offset',
        odd ? `${random.pick([...INTEGERS, '1e3', '0x10', ' 5', '', 'NaN', '18446744073709551616'])}` : `${offset}`,
      ],
      ['length', random.chance(0.2) ? `${anyInteger(random)}` : `${length}`],
    ].filter(() => random.chance(0.95));
    weight.externalData = entries.map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }));
    weight.dataLocation = 1;
    weight.rawData = new Uint8Array();
    if (random.chance(0.1) && weight.dims.length > 0) weight.dims[0] = anyInteger(random);
    offset += length;
  }
  model.onDisk = true;
  return location.slice(0, 40);
}

export const GRAPH_MUTATIONS = [
  [6, changeDims],
  [2, changeType],
  [2, addValue],
  [1, dropValue],
  [1, renameValue],
  [6, changeWeight],
  [1, dropWeight],
  [1, repeatWeight],
  [3, replaceWeight],
  [2, changeVersions],
  [2, intoFunction],
  [1, nestFunctions],
  [1, intoBranches],
  [0.5, longChain],
  [2, toExternal],
];
