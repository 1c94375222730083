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

const MAX_DEPTH = 32;

/**
 * Replaces calls of a model's own functions (PyTorch's new exporter writes some) by their bodies, so that every later
 * step sees plain operators. Inner tensors and nodes are prefixed by the call's name.
 * @param opsets the model's imports; imports that only functions have are added to it
 * Throws `ERR_MODEL_UNSUPPORTED` when a function imports another version of a domain than the model, and
 * `ERR_MODEL_INVALID` for functions that call themselves.
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
  let calls = 0;

  function expand(node: NodeProto, depth: number): NodeProto[] {
    const definition = table.get(keyOf(node.domain, node.opType, node.overload));
    if (!definition) return [node];
    if (depth > MAX_DEPTH)
      throw new OnnxCamError('ERR_MODEL_INVALID', `function "${definition.name}" calls itself or is nested too deeply`);
    adoptImports(definition, opsets);
    const prefix = `${node.name || definition.name}/${calls++}/`;
    return instantiate(node, definition, prefix).flatMap(inner => expand(inner, depth + 1));
  }

  return nodes.flatMap(node => expand(node, 0));
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
function copyNode(
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
    name: prefix + node.name,
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
