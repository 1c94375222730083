import type { Graph, GraphNode } from '../graph/graph.ts';
import { readNumbers, typeOfCode } from '../graph/tensor-values.ts';

/** What pictures a network expects that brings their values to another range itself. */
export interface OwnScaling {
  /** 0..255, 0..1, −1..1, ImageNet's mean and deviation, or 0 to this number. */
  readonly expects: 'raw' | 'unit' | 'inception' | 'imagenet' | number;
  /** It subtracts the means of blue, green and red in this order. */
  readonly isBgr: boolean;
  /** For people: "divides by 255". */
  readonly does: string;
}

/** On the way to the first arithmetic: what moves or enlarges pictures. */
const PASSING: ReadonlySet<string> = new Set([
  ...['Cast', 'Identity', 'Transpose', 'Reshape', 'Squeeze', 'Unsqueeze', 'Resize', 'Pad', 'Slice', 'Gather'],
  ...['Split', 'Concat', 'DequantizeLinear', 'QuantizeLinear'],
]);
/** What may change the order of channels. */
const PICKING: ReadonlySet<string> = new Set(['Slice', 'Gather', 'Split', 'Concat', 'ScatterND']);
const STEPS = 12;

/** ImageNet's means of blue, green and red: of 0..255 as Caffe has them, and of 0..1. */
const BGR_MEANS: readonly (readonly [means: readonly number[], tolerance: number])[] = [
  [[103.9, 116.8, 123.7], 1],
  [[0.406, 0.456, 0.485], 0.003],
];

/** The first arithmetic on a picture, where it is a change of range; undefined where the network takes what it gets. */
export function findOwnScaling(graph: Graph, input: string): OwnScaling | undefined {
  let names = [input];
  let picks = false;
  for (let step = 0; step < STEPS && names.length > 0; step++) {
    const nodes = names.flatMap(name => graph.consumers(name));
    for (const node of nodes) {
      const found = scalingOf(graph, node, names);
      if (found) return picks ? { ...found, isBgr: false } : found;
    }
    picks ||= nodes.some(({ op }) => PICKING.has(op));
    names = nodes.filter(({ op, domain }) => domain === '' && PASSING.has(op)).flatMap(({ outputs }) => outputs);
  }
  return undefined;
}

function scalingOf(graph: Graph, node: GraphNode, names: readonly string[]): OwnScaling | undefined {
  const { op, inputs } = node;
  if (op === 'BatchNormalization' && names.includes(inputs[0]!)) return ofBatchNormalization(graph, node);
  if (op === 'QuantizeLinear' && names.includes(inputs[0]!)) return ofQuantization(graph, node);
  const other = inputs.find(name => !names.includes(name));
  const values = inputs.length === 2 ? constantsOf(graph, other) : undefined;
  if (!values) return undefined;
  const sizes = values.map(Math.abs);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const shown = values.length === 1 ? round(sizes[0]!) : `[${sizes.map(round).join(', ')}]`;
  const found = (expects: OwnScaling['expects'], does: string) => ({ expects, does, isBgr: false });
  if (op === 'Div' && inputs[0] !== other) {
    if (least >= 1000) return found(most, `divides by ${shown}`);
    return least >= 50 ? found('raw', `divides by ${shown}`) : undefined;
  }
  if (op === 'Mul') {
    if (least > 0 && most < 1e-3) return found(1 / least, `multiplies by ${shown}`);
    if (least > 0 && most < 0.02) return found('raw', `multiplies by ${shown}`);
    if (least >= 200 && most <= 300) return found('unit', `multiplies by ${shown}`);
    if (least === 2 && most === 2 && shiftsByOne(graph, node)) return found('unit', 'multiplies by 2 and subtracts 1');
    // torchvision's `transform_input`: from ImageNet's mean and deviation to −1..1.
    if (least > 0.44 && most < 0.465) return found('imagenet', `multiplies by ${shown}`);
  }
  if (op !== 'Sub' && op !== 'Add') return undefined;
  const isBgr = BGR_MEANS.some(
    ([means, tolerance]) => sizes.length === 3 && means.every((mean, c) => Math.abs(mean - sizes[c]!) <= tolerance),
  );
  if (least >= 20) return { expects: most >= 1000 ? 2 * most : 'raw', does: `subtracts ${shown}`, isBgr };
  return least > 0.2 && most < 0.8 ? { expects: 'unit', does: `subtracts ${shown}`, isBgr } : undefined;
}

/** Statistics of the pictures themselves. */
function ofBatchNormalization(graph: Graph, { inputs }: GraphNode): OwnScaling | undefined {
  const mean = constantsOf(graph, inputs[3])?.map(Math.abs);
  const variance = constantsOf(graph, inputs[4]);
  if (!mean || !variance) return undefined;
  if (average(mean) > 20) return { expects: 'raw', does: 'normalises by means of 0..255', isBgr: false };
  const unit = average(mean) > 0.2 && average(mean) < 0.8 && average(variance) < 0.15;
  return unit ? { expects: 'unit', does: 'normalises by means of 0..1', isBgr: false } : undefined;
}

/** Whole numbers by type: what a quantised input holds. */
const CODES: Readonly<Record<string, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65_535],
  int16: [-32_768, 32_767],
};

/** The range that pictures had when the network was quantised. */
function ofQuantization(graph: Graph, { inputs }: GraphNode): OwnScaling | undefined {
  const [scale, ...further] = constantsOf(graph, inputs[1]) ?? [];
  const zero = graph.initializers.get(inputs[2] ?? '');
  const codes = CODES[(zero && typeOfCode(zero.dataType)) ?? 'uint8'];
  if (scale === undefined || further.length > 0 || !codes) return undefined;
  const [point = 0] = zero ? readNumbers(zero) : [];
  const [low, high] = [scale * (codes[0] - point), scale * (codes[1] - point)] as const;
  const between = (value: number, least: number, most: number) => value >= least && value <= most;
  const found = (expects: OwnScaling['expects']) => ({
    expects,
    does: `quantises ${round(low)} to ${round(high)}`,
    isBgr: false,
  });
  if (between(low, -0.02, 0.02) && between(high, 0.85, 1.15)) return found('unit');
  if (between(low, -5, 5) && between(high, 200, 270)) return found('raw');
  if (between(low, -1.15, -0.85) && between(high, 0.85, 1.15)) return found('inception');
  return between(low, -2.8, -1.5) && between(high, 1.8, 3.2) ? found('imagenet') : undefined;
}

function shiftsByOne(graph: Graph, { outputs }: GraphNode): boolean {
  return graph.consumers(outputs[0]!).some(({ op, inputs }) => {
    const [by] = constantsOf(graph, inputs[0] === outputs[0] ? inputs[1] : inputs[0]) ?? [];
    return (op === 'Sub' && by === 1) || (op === 'Add' && by === -1);
  });
}

/** The few values of a constant, such as one for each channel. */
function constantsOf(graph: Graph, name: string | undefined): readonly number[] | undefined {
  const weight = graph.initializers.get(name ?? '');
  const values = weight && weight.dims.reduce((n, d) => n * Number(d), 1) <= 16 ? readNumbers(weight) : [];
  return values.length > 0 ? values : undefined;
}

const average = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const round = (value: number): string => String(Number(value.toPrecision(4)));
