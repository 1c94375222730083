import { readFileSync } from 'node:fs';

const folder = new URL('../golden/methods/', import.meta.url);

export interface GoldenArray<T = Float32Array> {
  readonly dims: readonly number[];
  readonly data: T;
}

export type GoldenLayer = 'last' | 'middle' | 'signed' | 'early';

/** A batch of pictures as the model got it: float32 [N,3,H,W] made from 8-bit pixels by (pixel - 127) / 128, exactly. */
export interface GoldenInput {
  readonly tensor: GoldenArray;
  /** [N,H,W,3] */
  readonly pixels: GoldenArray<Uint8Array>;
  readonly targets: readonly number[];
  readonly logits: GoldenArray;
}

/** What one library gives for one method (test/golden/make_methods.py). */
export interface GoldenCase {
  readonly input: 'pair' | 'wide';
  /** An array where the library fused several. */
  readonly layer: GoldenLayer | readonly GoldenLayer[];
  readonly library: 'pytorch-grad-cam' | 'torchcam';
  /** Our canonical method name. */
  readonly method: string;
  /** Our parameter names; `sigma` 1e-12 stands for a noisy method with its noise taken away. */
  readonly params: Readonly<Record<string, number | boolean>>;
  /** Channel weights [N,C]. */
  readonly weights?: GoldenArray;
  /** Target score of each channel's run [N,C] (score methods of pytorch-grad-cam). */
  readonly scores?: GoldenArray;
  /** One layer: map before the outermost ReLU and normalisation [N,h,w]; of the eigen family known up to its sign. */
  readonly raw?: GoldenArray;
  /**
   * pytorch-grad-cam: the result at every `step`-th row and column from the first on, [N,H/step,W/step].
   * torchcam: the result [N,h,w], an array of them for several layers.
   */
  readonly map: GoldenArray | readonly GoldenArray[];
  /** torchcam's `fuse_cams` over several layers, [N,h,w] of the largest. */
  readonly fused?: GoldenArray;
}

export interface GoldenMethods {
  readonly step: number;
  readonly layers: Readonly<Record<GoldenLayer, { tensor: string; channels: number }>>;
  readonly inputs: Readonly<Record<'pair' | 'wide', GoldenInput>>;
  readonly cases: readonly GoldenCase[];
}

interface StoredArray {
  type: 'float32' | 'uint8';
  dims: number[];
  offset: number;
}

/** The file of the bundled model that the values belong to. */
export const bundledModel = new URL('../../assets/efficientnet-lite0.onnx', import.meta.url);

/** Reads test/golden/methods; "wide" is 192x256 and needs the model's fixed height and width freed. */
export function loadGoldenMethods(): GoldenMethods {
  const index = JSON.parse(readFileSync(new URL('index.json', folder), 'utf8'));
  const file = readFileSync(new URL('values.bin', folder));
  const values = new Uint8Array(file).buffer;

  const read = ({ type, dims, offset }: StoredArray): GoldenArray<Float32Array | Uint8Array> => {
    const length = dims.reduce((product, dim) => product * dim, 1);
    return { dims, data: new { float32: Float32Array, uint8: Uint8Array }[type](values, offset, length) };
  };
  const revive = (record: Record<string, unknown>): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(record).map(([key, value]) => {
        if (isStored(value)) return [key, read(value)];
        if (Array.isArray(value) && isStored(value[0])) return [key, value.map(read)];
        return [key, value];
      }),
    );

  const inputs = Object.entries(index.inputs as Record<string, Record<string, unknown>>).map(([name, record]) => {
    const input = revive(record) as unknown as GoldenInput;
    return [name, { ...input, tensor: toTensor(input.pixels) }];
  });
  return { ...index, inputs: Object.fromEntries(inputs), cases: index.cases.map(revive) } as GoldenMethods;
}

function isStored(value: unknown): value is StoredArray {
  return typeof value === 'object' && value !== null && 'offset' in value;
}

function toTensor({ dims, data }: GoldenArray<Uint8Array>): GoldenArray {
  const [batch = 0, height = 0, width = 0, channels = 0] = dims;
  const area = height * width;
  const out = new Float32Array(data.length);
  for (let n = 0; n < batch; n++)
    for (let p = 0; p < area; p++)
      for (let c = 0; c < channels; c++)
        out[(n * channels + c) * area + p] = (data[(n * area + p) * channels + c]! - 127) / 128;
  return { dims: [batch, channels, height, width], data: out };
}
