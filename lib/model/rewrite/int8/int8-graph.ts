import type { FactTable } from '../../graph/facts.ts';
import { Graph, type GraphNode, makeNode } from '../../graph/graph.ts';
import { dependenciesOf } from '../../graph/subgraphs.ts';
import { cutOff, findUnits, type Unit } from './units.ts';

/** ONNX Runtime's own operators. */
const MICROSOFT = 'com.microsoft';

/** From this set on ONNX has operators on quantised tensors; ONNX Runtime has them as its own for older ones. */
const QUANTISED_OPSET = 10;

/** Operators that only pick or move values: they do the same with quantised ones, at the steps of their first input. */
const MOVES: ReadonlySet<string> = new Set([
  ...['MaxPool', 'Reshape', 'Transpose', 'Flatten', 'Squeeze', 'Unsqueeze', 'Slice', 'Split', 'Identity'],
  ...['DepthToSpace', 'SpaceToDepth'],
]);

/** A unit at its place in the graph. */
export interface PlacedUnit {
  readonly unit: Unit;
  /** The tensor that it reads, by its number among the points. */
  readonly input: number;
  /** Its constants; of convolutions the bias follows from the range of what is read. */
  readonly names: { readonly weight: string; readonly steps: string; readonly zeros: string; readonly bias: string };
}

export interface Int8Graph {
  /** Without the constants of the units and points. */
  readonly graph: Graph;
  /** Tensors that are quantised. */
  readonly points: readonly string[];
  readonly units: readonly PlacedUnit[];
}

/** Names of the constants that quantise a point. */
export const pointNames = (point: number) => ({ step: `int8/step${point}`, zero: `int8/zero${point}` });

/**
 * A graph with the same outputs that computes in int8 what can be: uint8 tensors between int8 weights, in ONNX Runtime's
 * operators on quantised tensors, whole stretches of them where only convolutions, sums, joins and moves lie between.
 * Undefined where there is nothing to compute in int8.
 */
export function int8Graph(source: Graph, facts: FactTable): Int8Graph | undefined {
  const units = findUnits(source, facts);
  return units.length === 0 ? undefined : new Writer(source, facts, units).write();
}

/** A quantised tensor as an operator reads it. */
interface Quantised {
  readonly tensor: string;
  readonly step: string;
  readonly zero: string;
  readonly point: number;
}

class Writer {
  readonly #source: Graph;
  readonly #facts: FactTable;
  readonly #nodes: GraphNode[] = [];
  readonly #units: ReadonlyMap<GraphNode, Unit>;
  /** Nodes that another stands for. */
  readonly #folded: Set<GraphNode>;
  readonly #domain: string;
  readonly #points: string[] = [];
  readonly #placed: PlacedUnit[] = [];
  /** Quantised tensors by the name of the float one: their point. */
  readonly #quantised = new Map<string, number>();
  /** Of those, the ones that exist as floats as well, and the ones that were floats first. */
  readonly #floats = new Set<string>();
  readonly #wereFloats = new Set<string>();

  constructor(source: Graph, facts: FactTable, units: readonly Unit[]) {
    this.#source = source;
    this.#facts = facts;
    this.#units = new Map(units.map(unit => [unit.node, unit]));
    this.#folded = new Set(units.flatMap(({ folded }) => folded));
    this.#domain = source.opset < QUANTISED_OPSET ? MICROSOFT : '';
  }

  write(): Int8Graph {
    const { inputs, outputs, initializers, shapes, irVersion, metadata } = this.#source;
    for (const node of this.#source.nodes) this.#write(node);
    for (const { name } of outputs) this.#float(name);
    const opsets = new Map([...this.#source.opsets, [MICROSOFT, 1]]);
    const parts = { inputs, outputs, initializers, shapes, irVersion, metadata, opsets, nodes: this.#nodes };
    const graph = new Graph(parts);
    const used = new Set([...graph.nodes.flatMap(dependenciesOf), ...outputs.map(({ name }) => name)]);
    for (const name of initializers.keys()) if (!used.has(name)) graph.initializers.delete(name);
    return { graph, points: this.#points, units: this.#placed };
  }

  #write(node: GraphNode): void {
    if (this.#folded.has(node)) return;
    const unit = this.#units.get(node);
    if (unit) {
      if (unit.kind === 'conv') this.#conv(unit);
      else this.#matmul(unit);
      return;
    }
    if (node.domain === '' && (this.#move(node) || this.#add(node) || this.#concat(node))) return;
    for (const name of dependenciesOf(node)) this.#float(name);
    this.#nodes.push(node);
  }

  #conv(unit: Unit): void {
    const { node, output, bias } = unit;
    const x = this.#read(node.inputs[0]!);
    const y = this.#point(output);
    const names = this.#place(unit, x);
    const inputs = [x.tensor, x.step, x.zero, names.weight, names.steps, names.zeros, y.step, y.zero];
    this.#nodes.push({
      ...node,
      domain: this.#domain,
      op: 'QLinearConv',
      inputs: bias ? [...inputs, names.bias] : inputs,
      outputs: [y.tensor],
    });
  }

  #matmul(unit: Unit): void {
    const { node, output, bias } = unit;
    const x = this.#read(node.inputs[0]!);
    const names = this.#place(unit, x);
    const inputs = [x.tensor, names.weight, x.step, names.steps, x.zero, names.zeros, ...(bias ? [names.bias] : [])];
    this.#own('MatMulIntegerToFloat', node, inputs, output);
  }

  #place(unit: Unit, x: Quantised): PlacedUnit['names'] {
    const name = `int8/unit${this.#placed.length}`;
    const names = { weight: `${name}/weight`, steps: `${name}/steps`, zeros: `${name}/zeros`, bias: `${name}/bias` };
    this.#placed.push({ unit, input: x.point, names });
    return names;
  }

  #move(node: GraphNode): boolean {
    const from = node.inputs[0]!;
    if (!MOVES.has(node.op) || !this.#isQuantised(from)) return false;
    const outputs = node.outputs.filter(Boolean);
    if (node.op === 'MaxPool' && (this.#source.opset < 12 || outputs.length > 1)) return false;
    const point = this.#quantised.get(from)!;
    for (const output of outputs) this.#quantised.set(output, point);
    this.#nodes.push({
      ...node,
      inputs: [quantised(from), ...node.inputs.slice(1)],
      outputs: node.outputs.map(name => name && quantised(name)),
    });
    return true;
  }

  #add(node: GraphNode): boolean {
    const [a, b] = node.inputs as [string, string];
    if (node.op !== 'Add' || !this.#isQuantised(a) || !this.#isQuantised(b)) return false;
    if (String(this.#facts.get(a)?.dims) !== String(this.#facts.get(b)?.dims)) return false;
    const cut = cutOff(this.#source, this.#facts, node.outputs[0]!);
    if (cut) this.#folded.add(cut);
    const [x, z] = [this.#read(a), this.#read(b)];
    const y = this.#point((cut ?? node).outputs[0]!);
    this.#own('QLinearAdd', node, [x.tensor, x.step, x.zero, z.tensor, z.step, z.zero, y.step, y.zero], y.tensor);
    return true;
  }

  #concat(node: GraphNode): boolean {
    if (node.op !== 'Concat' || !node.inputs.every(name => this.#isQuantised(name))) return false;
    const parts = node.inputs.map(name => this.#read(name)).flatMap(({ tensor, step, zero }) => [tensor, step, zero]);
    const y = this.#point(node.outputs[0]!);
    this.#own('QLinearConcat', node, [y.step, y.zero, ...parts], y.tensor);
    return true;
  }

  #own(op: string, { name, op: replaced, attributes }: GraphNode, inputs: readonly string[], output: string): void {
    const node = makeNode(op, inputs, [output], {}, { name, domain: MICROSOFT });
    this.#nodes.push(replaced === 'Concat' ? { ...node, attributes } : node);
  }

  /** It comes out of an operator quantised. */
  #isQuantised(tensor: string): boolean {
    return this.#quantised.has(tensor) && !this.#wereFloats.has(tensor);
  }

  #point(tensor: string): Quantised {
    const point = this.#points.push(tensor) - 1;
    this.#quantised.set(tensor, point);
    return { tensor: quantised(tensor), ...pointNames(point), point };
  }

  /** The quantised form of a tensor; floats are quantised when they are first read so. */
  #read(tensor: string): Quantised {
    const point = this.#quantised.get(tensor);
    if (point !== undefined) return { tensor: quantised(tensor), ...pointNames(point), point };
    const made = this.#point(tensor);
    this.#floats.add(tensor);
    this.#wereFloats.add(tensor);
    this.#nodes.push(
      makeNode('QuantizeLinear', [tensor, made.step, made.zero], [made.tensor], {}, { domain: this.#domain }),
    );
    return made;
  }

  /** Makes sure that a tensor exists as floats. */
  #float(tensor: string): void {
    const point = this.#quantised.get(tensor);
    if (point === undefined || this.#floats.has(tensor)) return;
    this.#floats.add(tensor);
    const { step, zero } = pointNames(point);
    this.#nodes.push(
      makeNode('DequantizeLinear', [quantised(tensor), step, zero], [tensor], {}, { domain: this.#domain }),
    );
  }
}

const quantised = (tensor: string): string => `${tensor}/uint8`;
