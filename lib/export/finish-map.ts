import type { Emitter } from '../autodiff/emitter.ts';
import { reduce, reduceSum } from '../autodiff/forms.ts';
import type { Value } from '../autodiff/value.ts';
import type { Fusion, MethodDefinition, ParamValues } from '../methods/definition.ts';
import { type MapEnd, resized } from './resize-map.ts';

/** What finishes raw maps besides themselves. */
export interface Finishing {
  readonly definition: Pick<MethodDefinition, 'enlarged'>;
  readonly params: ParamValues;
  /** Of several layers. */
  readonly fusion: Fusion | null;
  /** The size that maps are brought to; undefined: the layer's, of several the largest. */
  readonly end: MapEnd | undefined;
}

/** As lib/result/status.ts: what differs by less is rounding, and comes out as zeros. */
const ROUNDING = 1e-6;

/** Of float32. */
const LARGEST = 3.4e38;

/**
 * The `paper` convention as nodes (lib/methods/conventions/paper.ts): ReLU, (M − min)/(max − min) for each image, several
 * layers joined at the largest one's size, shallow ones through tanh(2M) for 'tanh-max'.
 * @param layers raw maps [N, 1, …positions] of each layer, in the order of the network
 * @returns [N, 1, …positions] in [0, 1], zero where no value differs from another or some are not finite
 */
export function finishedMap(emit: Emitter, layers: readonly Value[], finishing: Finishing): Value {
  const { definition, params, fusion, end } = finishing;
  const positive = layers.map(map => (params.relu === true ? emit.unary('Relu', map) : map));
  const ranges = positive.map(map => rangeOf(emit, map));
  const enlarges = end !== undefined && definition.enlarged?.(params) !== undefined;
  const stretched = positive.map((map, i) => {
    if (!enlarges) return stretch(emit, map, ranges[i]!);
    const large = resized(emit, map, end);
    return stretch(emit, large, rangeOf(emit, large));
  });
  const map = joined(emit, stretched, fusion ?? 'mean');
  const uneven = ranges.map(range => isUneven(emit, range)).reduce((any, one) => emit.node('Max', [any, one], any));
  const numbers = stretched.map(map => isNumber(emit, map)).reduce((all, one) => emit.mul(all, one));
  return whereShown(emit, end ? resized(emit, map, end) : map, emit.mul(uneven, numbers));
}

interface Range {
  readonly low: Value;
  readonly high: Value;
  /** Their difference, [N, 1, 1, …]. */
  readonly span: Value;
}

function rangeOf(emit: Emitter, map: Value): Range {
  const axes = map.dims.map((_, axis) => axis).slice(1);
  const low = reduce(emit, 'ReduceMin', map, axes);
  const high = reduce(emit, 'ReduceMax', map, axes);
  return { low, high, span: emit.sub(high, low) };
}

/** Evenly to [0, 1]; zeros where all values are equal. */
function stretch(emit: Emitter, map: Value, { low, span }: Range): Value {
  const none = emit.equal(span, emit.scalar(0, span));
  return emit.div(emit.sub(map, low), emit.add(span, none));
}

/** 1 for maps whose values differ by more than rounding, else 0. */
function isUneven(emit: Emitter, { low, high, span }: Range): Value {
  const largest = emit.node('Max', [emit.unary('Abs', low), emit.unary('Abs', high)], low);
  return emit.greater(span, emit.mul(largest, emit.scalar(ROUNDING, largest)));
}

/** 1 where values in [0, 1] came out, else 0: infinities become NaN when they are stretched, which the largest value may hide. */
function isNumber(emit: Emitter, stretched: Value): Value {
  const sum = reduceSum(emit, stretched, stretched.dims.map((_, axis) => axis).slice(1));
  return emit.greater(emit.scalar(LARGEST, sum), sum);
}

/** Zeros for images of which `shown` is 0; before opset 9 those that are not finite stay NaN. */
function whereShown(emit: Emitter, map: Value, shown: Value): Value {
  if (emit.opset < 9) return emit.mul(map, shown);
  return emit.node('Where', [emit.cast(shown, 'bool'), map, emit.scalar(0, map)], map);
}

/** Maps in [0, 1] of several layers as one, the last of which is the deepest. */
function joined(emit: Emitter, maps: readonly Value[], fusion: Fusion): Value {
  const [first] = maps as [Value];
  if (maps.length === 1) return first;
  const scaled = maps.map((map, i) =>
    fusion === 'tanh-max' && i < maps.length - 1 ? emit.unary('Tanh', emit.mul(map, emit.scalar(2, map))) : map,
  );
  const size = first.dims.slice(2).map((_, axis) => Math.max(...maps.map(({ dims }) => dims[axis + 2]!)));
  const even = scaled.map(map => resized(emit, map, { size }));
  const all = (op: string) => emit.node(op, even, even[0]!);
  switch (fusion) {
    case 'mean':
      return emit.mul(all('Sum'), emit.scalar(1 / maps.length, first));
    case 'product':
      return stretchedProduct(emit, even);
    default:
      return all('Max');
  }
}

function stretchedProduct(emit: Emitter, maps: readonly Value[]): Value {
  const product = maps.reduce((all, map) => emit.mul(all, map));
  return stretch(emit, product, rangeOf(emit, product));
}

/** Maps in [0, 1] as uint8, 0 to 255, rounded. */
export function asUint8(emit: Emitter, map: Value): Value {
  const whole = emit.unary('Floor', emit.add(emit.mul(map, emit.scalar(255, map)), emit.scalar(0.5, map)));
  return emit.cast(whole, 'uint8');
}
