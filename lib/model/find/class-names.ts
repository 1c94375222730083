import { constantValues } from '../graph/constant-chain.ts';
import type { FactTable } from '../graph/facts.ts';
import type { Graph, GraphNode } from '../graph/graph.ts';

/** Scores that an output of another kind (the best class, the best few, names) is made of. */
export interface ScoresBehind {
  readonly operator: string;
  readonly scores: string;
  readonly axis: number;
  /** The classes' names, where the graph holds them. */
  readonly names?: readonly string[];
}

/** Handed through on the way from the output back: they move no value to another class. */
export const RESHAPING = new Set(['Identity', 'Dropout', 'Cast', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze']);

/**
 * The scores before an ArgMax, TopK or maximum at the end of the graph, and before what turns their classes into names: ZipMap,
 * ArrayFeatureExtractor, LabelEncoder, Gather from a list of names.
 */
export function scoresBehind(graph: Graph, facts: FactTable, output: string): ScoresBehind | undefined {
  let node = graph.producer(output);
  while (node?.domain === '' && RESHAPING.has(node.op)) node = graph.producer(node.inputs[0]!);
  if (!node) return undefined;
  const [first = '', second = ''] = node.inputs;
  const of = (axis: number): ScoresBehind | undefined => {
    const known = facts.get(first);
    if (!known?.type.includes('float') || known.dims.length === 0) return undefined;
    return { operator: node.op, scores: first, axis: axis < 0 ? axis + known.dims.length : axis };
  };
  const named = (behind: string, names: readonly string[] | undefined) => {
    const inner = scoresBehind(graph, facts, behind);
    return inner && { ...inner, names: names ?? inner.names };
  };
  if (node.domain === '') {
    if (node.op === 'ArgMax') return of(node.attributes.int('axis', 0));
    if (node.op === 'TopK') return of(node.attributes.int('axis', -1));
    if (node.op === 'ReduceMax') return isBestOf(graph, facts, node) ? of(1) : undefined;
    return node.op === 'Gather' && textOf(graph, first) ? named(second, textOf(graph, first)) : undefined;
  }
  if (node.domain !== 'ai.onnx.ml') return undefined;
  if (node.op === 'ZipMap') {
    const found = of(1);
    return found && { ...found, names: zippedNames(node) };
  }
  if (node.op === 'ArrayFeatureExtractor') return named(second, textOf(graph, first));
  return node.op === 'LabelEncoder' ? named(first, encodedNames(node)) : undefined;
}

/** The score of the best class of each image. */
function isBestOf(graph: Graph, facts: FactTable, { attributes, inputs }: GraphNode): boolean {
  const axes = attributes.ints('axes') ?? constantValues(graph, facts, inputs[1] ?? '');
  if (joinsAxes(graph, facts, inputs[0]!)) return false;
  return facts.get(inputs[0]!)?.dims.length === 2 && axes?.length === 1 && (axes[0] === 1 || axes[0] === -1);
}

/** Several axes were made one before, so that its values are not those of classes alone but of positions. */
function joinsAxes(graph: Graph, facts: FactTable, tensor: string): boolean {
  const long = (name: string) => facts.get(name)?.dims.filter(dim => dim !== 1).length ?? 0;
  let node = graph.producer(tensor);
  while (node?.domain === '' && RESHAPING.has(node.op)) {
    if (long(node.inputs[0]!) > long(tensor)) return true;
    node = graph.producer(node.inputs[0]!);
  }
  return false;
}

/**
 * Names of the classes that the file itself holds: beside the output, or in the metadata that Ultralytics writes.
 */
export function ownClassNames(graph: Graph, facts: FactTable): readonly string[] | undefined {
  for (const { name } of graph.outputs) {
    const names = scoresBehind(graph, facts, name)?.names;
    if (names) return names;
  }
  return metadataNames(graph.metadata);
}

/** What the metadata's `names` says. */
export function metadataNames(metadata: ReadonlyMap<string, string>): readonly string[] | undefined {
  return namesFromPython(metadata.get('names')?.trim() ?? '');
}

/** Names as Python writes a dictionary or a list: {0: 'cat', 1: "it's"}, ['cat', 'dog']. */
export function namesFromPython(text: string): readonly string[] | undefined {
  if (!/^[{[]/.test(text)) return undefined;
  const entry = /(?:["']?(\d+)["']?\s*:\s*)?(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/g;
  const names: string[] = [];
  for (const [, index, single, double] of text.matchAll(entry))
    names[index === undefined ? names.length : Number(index)] = (single ?? double!).replace(/\\(.)/g, '$1');
  return names.length > 0 && Object.keys(names).length === names.length ? names : undefined;
}

function zippedNames({ attributes }: GraphNode): readonly string[] | undefined {
  return attributes.strings('classlabels_strings') ?? attributes.ints('classlabels_int64s')?.map(String);
}

/** Of an encoder whose keys are the classes' numbers. */
function encodedNames({ attributes }: GraphNode): readonly string[] | undefined {
  const keys = attributes.ints('keys_int64s');
  const values = attributes.strings('values_strings') ?? attributes.strings('classes_strings');
  if (!keys || !values) return values;
  return keys.every((_, k) => keys.includes(k)) ? keys.map((_, k) => values[keys.indexOf(k)]!) : undefined;
}

/** A weight of strings. */
function textOf(graph: Graph, name: string): readonly string[] | undefined {
  const data = graph.initializers.get(name)?.stringData;
  return data && data.length > 0 ? data.map(bytes => new TextDecoder().decode(bytes)) : undefined;
}
