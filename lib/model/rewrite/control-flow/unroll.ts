import type { GraphProto } from 'onnx-buf';
import type { FactTable } from '../../graph/facts.ts';
import type { GraphNode } from '../../graph/graph.ts';
import { instantiate } from './body.ts';
import type { Sequences } from './sequences.ts';
import type { Writer } from './writer.ts';

/** Larger graphs take the runtime minutes to load. */
const MAX_NODES = 20_000;

/** The branch of an If whose condition is constant. @returns false where it isn't */
export function chooseBranch(node: GraphNode, facts: FactTable, writer: Writer): boolean {
  const condition = node.inputs[0]!;
  const [value] = facts.get(condition)?.values ?? [];
  const body = node.attributes.find(value ? 'then_branch' : 'else_branch')?.g;
  if (value === undefined || !body) return false;
  writer.assume(node, condition, [value]);
  const { outputs } = writeOut(writer, body, writer.prefix(node), [], node.outputs);
  connect(writer, outputs, node.outputs);
  return true;
}

/**
 * A Loop that repeats a known number of times; if never, what it carries passes through.
 * @returns false where the number isn't known, or rows of results are read of which there are none
 */
export function unrollLoop(node: GraphNode, facts: FactTable, writer: Writer, measured?: number): boolean {
  const body = node.attributes.find('body')?.g;
  const [limit = '', start = '', ...initial] = node.inputs as string[];
  if (!body) return false;
  const most = limit ? facts.get(limit)?.values?.[0] : Number.POSITIVE_INFINITY;
  const begins = start ? facts.get(start)?.values?.[0] : 1;
  if (most === undefined || begins === undefined) return false;
  const never = most < 1 || begins === 0;
  const trips = never ? 0 : (measured ?? (staysTrue(body) ? most : undefined));
  if (trips === undefined || trips > Math.max(most, 0) || trips * body.node.length > MAX_NODES) return false;
  if (trips === 0 && node.outputs.slice(initial.length).some(Boolean)) return false;
  if (limit) writer.assume(node, limit, [most]);
  if (start) writer.assume(node, start, [begins]);
  const prefix = writer.prefix(node);
  let condition = start || writer.flag(true, `${prefix}start`);
  let carried = initial;
  const rows = node.outputs.slice(initial.length).map((): string[] => []);
  for (let trip = 0; trip < trips; trip++) {
    const own = `${prefix}${trip}/`;
    const inputs = [writer.scalar(trip, `${own}trip`), condition, ...carried];
    const [next, ...results] = writeOut(writer, body, own, inputs).outputs as [string, ...string[]];
    if (!staysTrue(body) && (trip < trips - 1 || trips < most)) writer.assume(node, next, [trip < trips - 1 ? 1 : 0]);
    condition = next;
    carried = results.slice(0, initial.length);
    for (const [index, list] of rows.entries()) list.push(results[initial.length + index]!);
  }
  connect(writer, carried, node.outputs.slice(0, initial.length));
  for (const [index, list] of rows.entries()) stack(writer, list, 0, node.outputs[initial.length + index]!);
  return true;
}

/** Whether a body's condition is the one that it was given, or a constant that is true. */
export function staysTrue(body: GraphProto): boolean {
  let name = body.output[0]!.name;
  for (;;) {
    if (name === body.input[1]?.name) return true;
    const maker = body.node.find(({ output }) => output.includes(name));
    if (maker?.opType === 'Identity' || maker?.opType === 'Cast') {
      name = maker.input[0]!;
      continue;
    }
    const value =
      maker?.opType === 'Constant'
        ? maker.attribute.find(({ name: key }) => key === 'value')?.t
        : body.initializer.find(weight => weight.name === name);
    return value !== undefined && (value.rawData.some(byte => byte !== 0) || value.int32Data.some(item => item !== 0));
  }
}

/** A Scan over a sequence of known length (opset 9 and later). @returns false where it isn't known */
export function unrollScan(node: GraphNode, facts: FactTable, writer: Writer, opset: number): boolean {
  const { attributes } = node;
  const body = attributes.find('body')?.g;
  const count = attributes.int('num_scan_inputs', 0);
  if (!body || opset < 9 || count < 1) return false;
  const states = node.inputs.length - count;
  const sequences = node.inputs.slice(states);
  const axes = attributes.ints(
    'scan_input_axes',
    sequences.map(() => 0),
  );
  const turned = attributes.ints(
    'scan_input_directions',
    sequences.map(() => 0),
  );
  const dims = sequences.map(name => facts.get(name)?.dims);
  const first = dims[0];
  const positive = axes.map((axis, index) => (axis < 0 ? axis + (dims[index]?.length ?? 0) : axis));
  const trips = first?.[positive[0]!] ?? -1;
  if (trips < 1 || trips * body.node.length > MAX_NODES) return false;
  writer.assumeSize(sequences[0]!, positive[0]!, trips, node);
  const prefix = writer.prefix(node);
  const outputs = node.outputs.slice(states);
  const rows = outputs.map((): string[] => []);
  let carried = node.inputs.slice(0, states) as string[];
  for (let trip = 0; trip < trips; trip++) {
    const elements = sequences.map((name, index) =>
      writer.row(name, positive[index]!, turned[index] ? trips - 1 - trip : trip),
    );
    const results = writeOut(writer, body, `${prefix}${trip}/`, [...carried, ...elements]).outputs;
    carried = results.slice(0, states);
    for (const [index, list] of rows.entries()) list.push(results[states + index]!);
  }
  connect(writer, carried, node.outputs.slice(0, states));
  const outputAxes = attributes.ints(
    'scan_output_axes',
    outputs.map(() => 0),
  );
  const outputTurned = attributes.ints(
    'scan_output_directions',
    outputs.map(() => 0),
  );
  for (const [index, list] of rows.entries())
    stack(writer, outputTurned[index] ? list.toReversed() : list, outputAxes[index]!, outputs[index]!);
  return true;
}

/**
 * A SequenceMap over a sequence of known length: its body once for every element, with those of other sequences at the same place;
 * tensors are handed to every one. @returns false where the length isn't known
 */
export function mapSequence(node: GraphNode, sequences: Sequences, writer: Writer): boolean {
  const body = node.attributes.find('body')?.g;
  const lists = node.inputs.map(name => sequences.of(name));
  const count = lists[0]?.length ?? 0;
  if (!body || count < 1 || count * body.node.length > MAX_NODES) return false;
  const prefix = writer.prefix(node);
  const results = Array.from({ length: count }, (_, at) => {
    const inputs = node.inputs.map((name, index) => lists[index]?.[at] ?? name);
    return writeOut(writer, body, `${prefix}${at}/`, inputs).outputs;
  });
  for (const [index, output] of node.outputs.entries())
    if (output) {
      const list = results.map(outputs => outputs[index]!);
      sequences.set(output, list);
    }
  return true;
}

export function writeOut(
  writer: Writer,
  body: GraphProto,
  prefix: string,
  inputs: readonly string[],
  results: readonly string[] = [],
  outer?: ReadonlyMap<string, string>,
) {
  const instance = instantiate(body, prefix, inputs, results, outer);
  for (const weight of instance.weights) writer.initializers.set(weight.name, weight);
  writer.nodes.push(...instance.nodes);
  return instance;
}

/** Gives tensors the names under which they are read. */
function connect(writer: Writer, from: readonly string[], to: readonly string[]): void {
  for (const [index, output] of to.entries())
    if (output && from[index] !== output) writer.emit('Identity', [from[index]!], [output]);
}

function stack(writer: Writer, list: readonly string[], axis: number, output: string): void {
  if (!output) return;
  const parts = list.map(tensor => writer.unsqueeze(tensor, axis));
  writer.emit('Concat', parts, [output], { axis });
}
