import { numberToHalf } from '../../graph/tensor-values.ts';
import type { Converter, Lowering } from './lowering.ts';

/** Elements of a weight that is written out as floats: 1 GiB of them. */
const MOST = 2 ** 28;

/**
 * com.microsoft MatMulNBits(x, w, scales, zero points, order, bias): the weight [N, K] as blocks of whole numbers of a few
 * bits along K, the first in the lowest bits, (q − zero)·scale; it becomes a float weight [K, N].
 */
export const matMulNBits: Converter = (node, lowering) => {
  const [x, packed, scaleName, zeroName = '', order = '', bias = ''] = node.inputs as [string, string, string];
  const { attributes } = node;
  const [columns, rows] = [attributes.int('N', 0), attributes.int('K', 0)];
  const [bits, block] = [attributes.int('bits', 4), attributes.int('block_size', 0)];
  if (order || attributes.int('weight_prepacked', 0) !== 0 || !fits(rows, columns, block)) return false;
  if (![2, 4, 8].includes(bits)) return false;
  const blocks = Math.ceil(rows / block);
  const blob = (block * bits) / 8;
  const bytes = lowering.bytes(packed);
  const scales = lowering.floats(scaleName);
  const zeros = zeroName === '' ? () => 2 ** (bits - 1) : zeroPoints(lowering, zeroName, { columns, blocks, bits });
  if (bytes?.length !== columns * blocks * blob || scales?.length !== columns * blocks || !zeros) return false;

  function* values(put: Put) {
    for (let column = 0; column < columns; column++) {
      for (let index = 0; index < blocks; index++) {
        const at = column * blocks + index;
        const [scale, zero] = [scales![at]!, zeros!(column, index)];
        const from = index * block;
        const count = Math.min(block, rows - from);
        for (let k = 0; k < count; k++)
          put((from + k) * columns + column, (bitsAt(bytes!, at * blob, k, bits) - zero) * scale);
      }
      if ((column * rows) % STRETCH < rows) yield;
    }
  }
  multiply(lowering, { x, values, dims: [rows, columns], like: scaleName, bias }, node);
  return true;
};

/** Writes one element of a weight [K, N]. */
type Put = (index: number, value: number) => void;

/** Elements that are written at once, a few milliseconds. */
const STRETCH = 2 ** 16;

/** The k-th number of `bits` bits from a byte on. */
function bitsAt(bytes: Uint8Array, offset: number, k: number, bits: number): number {
  const at = k * bits;
  return (bytes[offset + (at >> 3)]! >> (at & 7)) & ((1 << bits) - 1);
}

interface Blocks {
  readonly columns: number;
  readonly blocks: number;
  readonly bits: number;
}

/** Packed like the weight, a row of whole bytes for each column; or floats, one for each block. */
function zeroPoints(
  lowering: Lowering,
  name: string,
  { columns, blocks, bits }: Blocks,
): ((column: number, block: number) => number) | undefined {
  const bytes = lowering.bytes(name);
  const row = Math.ceil((blocks * bits) / 8);
  if (bytes)
    return bytes.length === columns * row ? (column, block) => bitsAt(bytes, column * row, block, bits) : undefined;
  const values = lowering.floats(name);
  return values?.length === columns * blocks ? (column, block) => values[column * blocks + block]! : undefined;
}

/** The sixteen values of four bits: FP4 and NF4 of bitsandbytes. */
const CODES: readonly (readonly number[])[] = [
  [0, 1 / 192, 2 / 3, 1, 1 / 3, 1 / 2, 1 / 6, 1 / 4, 0, -1 / 192, -2 / 3, -1, -1 / 3, -1 / 2, -1 / 6, -1 / 4],
  [
    -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
  ],
];

/** com.microsoft MatMulBnb4(x, w, largest): a weight [N, K] (transposed: [K, N]) in blocks of four-bit codes, two in a byte, the first high. */
export const matMulBnb4: Converter = (node, lowering) => {
  const [x, packed, largestName] = node.inputs as [string, string, string];
  const { attributes } = node;
  const [columns, rows] = [attributes.int('N', 0), attributes.int('K', 0)];
  const block = attributes.int('block_size', 0);
  const codes = CODES[attributes.int('quant_type', -1)];
  if (!codes || !fits(rows, columns, block) || attributes.int('transB', 1) !== 1) return false;
  const bytes = lowering.bytes(packed);
  const largest = lowering.floats(largestName);
  const count = rows * columns;
  if (bytes?.length !== Math.ceil(count / 2) || largest?.length !== Math.ceil(count / block)) return false;
  function* values(put: Put) {
    for (let i = 0; i < count; i++) {
      const code = i % 2 === 0 ? bytes![i >> 1]! >> 4 : bytes![i >> 1]! & 15;
      const column = Math.floor(i / rows);
      put((i - column * rows) * columns + column, codes![code]! * largest![Math.floor(i / block)]!);
      if (i % STRETCH === 0) yield;
    }
  }
  multiply(lowering, { x, values, dims: [rows, columns], like: largestName, bias: '' }, node);
  return true;
};

const fits = (rows: number, columns: number, block: number): boolean =>
  rows > 0 && columns > 0 && block > 0 && block % 8 === 0 && rows * columns <= MOST;

interface Product {
  readonly x: string;
  /** Writes the weight, with a pause after every stretch. */
  readonly values: (put: Put) => Generator<void>;
  readonly dims: readonly [number, number];
  /** A constant of the type that the product has. */
  readonly like: string;
  readonly bias: string;
}

function multiply(lowering: Lowering, { x, values, dims, like, bias }: Product, node: Parameters<Converter>[0]): void {
  const count = dims[0] * dims[1];
  const weight = lowering.isHalf(like)
    ? ({ type: 'float16', data: new Uint16Array(count), of: numberToHalf } as const)
    : ({ type: 'float32', data: new Float32Array(count), of: (value: number) => value } as const);
  const { type, data, of } = weight;
  const put: Put = (index, value) => {
    data[index] = of(value);
  };
  const constant = lowering.constant(type, dims, data);
  lowering.writing.push(values(put));
  const [output] = node.outputs as [string];
  const product = lowering.emit('MatMul', [x, constant], {}, bias ? undefined : output, node.name);
  if (bias) lowering.emit('Add', [product, bias], {}, output);
}
