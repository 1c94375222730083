import { readFileSync } from 'node:fs';
import type { Tensor } from '../../lib/engine/tensor.ts';
import { parseModel } from '../../lib/model/read.ts';
import { makeValueInfo } from '../../lib/model/value-info.ts';
import { toFileBytes } from '../../lib/model/write.ts';

/** The bundled model with its height and width made dynamic: one of the stored inputs is not square. */
export function anySizeModel(): Uint8Array {
  const graph = parseModel(readFileSync(new URL('../../assets/efficientnet-lite0.onnx', import.meta.url)));
  graph.inputs[0] = makeValueInfo('input', 'float32', ['batch', 3, 'height', 'width']);
  return toFileBytes(graph);
}

/** Where a tensor lies in values.bin; its first axis counts the images of the input. */
export interface Stored {
  readonly type: 'float32' | 'uint8';
  readonly dims: readonly number[];
  readonly offset: number;
}

export interface GoldenCase {
  readonly input: string;
  readonly layer: string | readonly string[];
  readonly library: 'pytorch-grad-cam' | 'torchcam';
  readonly method: string;
  readonly params: Readonly<Record<string, number | boolean>>;
  readonly map?: Stored;
  readonly raw?: Stored;
  readonly fused?: Stored;
  readonly weights?: Stored;
  readonly scores?: Stored;
}

/** Index of test/golden/methods, written by test/golden/make_methods.py. */
export const golden = JSON.parse(read('index.json').toString()) as {
  readonly step: number;
  readonly layers: Readonly<Record<string, { readonly tensor: string; readonly channels: number }>>;
  readonly inputs: Readonly<Record<string, { readonly targets: number[]; readonly pixels: Stored }>>;
  readonly cases: readonly GoldenCase[];
};

const bytes = read('values.bin');

/** Values of image `n`. */
export function goldenValues({ dims, offset }: Stored, n: number): Float32Array {
  const size = dims.slice(1).reduce((product, dim) => product * dim, 1);
  return new Float32Array(
    bytes.buffer.slice(bytes.byteOffset + offset + 4 * n * size, bytes.byteOffset + offset + 4 * (n + 1) * size),
  );
}

/** The stored pixels as the model's input: (pixel − 127) / 128, [N,3,H,W]. */
export function goldenInput(name: string): Tensor<'float32'> {
  const { dims, offset } = golden.inputs[name]!.pixels;
  const [count, height, width] = dims as [number, number, number];
  const data = new Float32Array(count * 3 * height * width);
  for (let n = 0; n < count; n++)
    for (let p = 0; p < height * width; p++)
      for (let c = 0; c < 3; c++)
        data[(n * 3 + c) * height * width + p] = (bytes[offset + (n * height * width + p) * 3 + c]! - 127) / 128;
  return { type: 'float32', data, dims: [count, 3, height, width] };
}

function read(name: string): Buffer {
  return readFileSync(new URL(`../golden/methods/${name}`, import.meta.url));
}
