import { clone, create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  type GraphProto,
  GraphProtoSchema,
  type NodeProto,
  NodeProtoSchema,
} from 'onnx-buf';
import { OnnxCamError } from '../../common/errors.ts';
import { MAX_INLINED_NODES, pushAll } from '../../common/sizes.ts';

/** How deeply calls may be nested. */
const MAX_DEPTH = 32;

/** Names are copied with nodes: so many characters count as a node, and of a call's name no more are put before others. */
const NAME_CHARACTERS = 256;

/**
 * Replaces calls of a model's own functions (PyTorch's new exporter writes some) by their bodies, so that every later
 * step sees plain operators. Inner tensors and nodes are prefixed by the call's name.
 * @param opsets the model's imports; imports that only functions have are added to it
 * Throws `ERR_MODEL_UNSUPPORTED` when a function imports another version of a domain than the model or when the bodies,
 * written out, are more than {@link MAX_INLINED_NODES} nodes or nested too deeply, and `ERR_MODEL_INVALID` for functions that call themselves.
 */
export function inlineFunctions(
  nodes: readonly NodeProto[],
  functions: readonly FunctionProto[],
  opsets: Map<string, number>,
): NodeProto[] {
  if (functions.length === 0) return [...nodes];
  const table = new Map(
    functions.map(definition => [keyOf(definition.domain, definition.name, definition.overload), definition]),
  );
  const definitionOf = (node: NodeProto) => table.get(keyOf(node.domain, node.opType, node.overload));
  checkExtent(nodes, definitionOf);

  const plain: NodeProto[] = [];
  const waiting = [...nodes].reverse();
  for (let calls = 0; waiting.length > 0; ) {
    const node = waiting.pop()!;
    const definition = definitionOf(node);
    if (!definition) {
      plain.push(node);
      continue;
    }
    adoptImports(definition, opsets);
    const prefix = `${(node.name || definition.name).slice(-NAME_CHARACTERS)}/${calls++}/`;
    pushAll(waiting, instantiate(node, definition, prefix).reverse());
  }
  return plain;
}

type Definition = (node: NodeProto) => FunctionProto | undefined;

/** Counts what the calls come to before any is written out: functions that call others twice double at each step. */
function checkExtent(nodes: readonly NodeProto[], definitionOf: Definition): void {
  const extents = new Map<FunctionProto, { readonly nodes: number; readonly depth: number }>();
  const calledBy = (body: readonly NodeProto[]) => new Set(body.flatMap(node => definitionOf(node) ?? []));
  const measure = (body: readonly NodeProto[]) => {
    let sum = 0;
    let depth = 0;
    for (const node of body) {
      const inner = extents.get(definitionOf(node)!);
      sum += inner?.nodes ?? extentOf(node);
      depth = Math.max(depth, inner?.depth ?? 0);
    }
    return { nodes: sum, depth: depth + 1 };
  };
  /** Functions that are being measured, each called by one before it. */
  const open = new Set<FunctionProto>();
  const waiting = [...calledBy(nodes)];
  while (waiting.length > 0) {
    const definition = waiting.at(-1)!;
    const unknown = [...calledBy(definition.node)].filter(one => !extents.has(one));
    if (unknown.some(one => one === definition || open.has(one)))
      throw new OnnxCamError('ERR_MODEL_INVALID', `function "${definition.name}" calls itself`);
    if (unknown.length > 0) {
      open.add(definition);
      pushAll(waiting, unknown);
      continue;
    }
    if (!extents.has(definition)) extents.set(definition, measure(definition.node));
    open.delete(definition);
    waiting.pop();
  }
  const whole = measure(nodes);
  if (whole.depth > MAX_DEPTH)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `the model's functions are nested ${whole.depth - 1} deep; at most ${MAX_DEPTH - 1} are supported`,
    );
  if (whole.nodes > MAX_INLINED_NODES)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `the model's functions, written out, come to about ${whole.nodes} nodes; at most ${MAX_INLINED_NODES} are supported`,
    );
}

/** What a copy of a node costs, in nodes. */
function extentOf({ input, output, name, attribute }: NodeProto): number {
  const characters = [...input, ...output].reduce((sum, { length }) => sum + length, name.length);
  const bodies = attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs));
  const inner = bodies.reduce((sum, body) => sum + body.node.reduce((all, node) => all + extentOf(node), 0), 0);
  return 1 + Math.floor(characters / NAME_CHARACTERS) + inner;
}

function keyOf(domain: string, name: string, overload: string): string {
  return `${domain === 'ai.onnx' ? '' : domain}::${name}::${overload}`;
}

function adoptImports(definition: FunctionProto, opsets: Map<string, number>): void {
  for (const entry of definition.opsetImport) {
    const domain = entry.domain === 'ai.onnx' ? '' : entry.domain;
    const version = Number(entry.version);
    const known = opsets.get(domain);
    if (known === undefined) opsets.set(domain, version);
    else if (known !== version)
      throw new OnnxCamError(
        'ERR_MODEL_UNSUPPORTED',
        `function "${definition.name}" uses version ${version} of operator set "${domain || 'ai.onnx'}", the model ${known}; ` +
          'inline the functions first (onnx.inliner.inline_local_functions with convert_version=True)',
      );
  }
}

function instantiate(call: NodeProto, definition: FunctionProto, prefix: string): NodeProto[] {
  const names = new Map<string, string>();
  for (const [index, formal] of definition.input.entries()) names.set(formal, call.input[index] ?? '');
  for (const [index, formal] of definition.output.entries()) names.set(formal, call.output[index] || prefix + formal);
  const attributes = new Map<string, AttributeProto>(definition.attributeProto.map(proto => [proto.name, proto]));
  for (const proto of call.attribute) attributes.set(proto.name, proto);
  return definition.node.map(node => copyNode(node, names, prefix, attributes));
}

/** @param names formal name to actual name; names not in it get the prefix */
export function copyNode(
  node: NodeProto,
  names: ReadonlyMap<string, string>,
  prefix: string,
  attributes: ReadonlyMap<string, AttributeProto>,
): NodeProto {
  const rename = (name: string) => (name === '' ? '' : (names.get(name) ?? prefix + name));
  return create(NodeProtoSchema, {
    opType: node.opType,
    domain: node.domain,
    overload: node.overload,
    name: node.name && prefix + node.name,
    input: node.input.map(rename),
    output: node.output.map(rename),
    attribute: node.attribute.flatMap(proto => copyAttribute(proto, names, prefix, attributes)),
  });
}

/** A reference to an attribute that the call does not give stands for "not given". */
function copyAttribute(
  proto: AttributeProto,
  names: ReadonlyMap<string, string>,
  prefix: string,
  attributes: ReadonlyMap<string, AttributeProto>,
): AttributeProto[] {
  if (proto.refAttrName) {
    const actual = attributes.get(proto.refAttrName);
    if (!actual) return [];
    const copy = clone(AttributeProtoSchema, actual);
    copy.name = proto.name;
    return [copy];
  }
  if (!proto.g && proto.graphs.length === 0) return [proto];
  const copy = clone(AttributeProtoSchema, proto);
  if (copy.g) copy.g = copyBody(copy.g, names, prefix, attributes);
  copy.graphs = copy.graphs.map(body => copyBody(body, names, prefix, attributes));
  return [copy];
}

function copyBody(
  body: GraphProto,
  names: ReadonlyMap<string, string>,
  prefix: string,
  attributes: ReadonlyMap<string, AttributeProto>,
): GraphProto {
  const rename = (name: string) => names.get(name) ?? prefix + name;
  const copy = clone(GraphProtoSchema, body);
  for (const value of [...copy.input, ...copy.output, ...copy.initializer]) value.name = rename(value.name);
  copy.valueInfo = [];
  copy.node = body.node.map(node => copyNode(node, names, prefix, attributes));
  return copy;
}
