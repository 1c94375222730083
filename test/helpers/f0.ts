import { readFileSync } from 'node:fs';

const folder = new URL('../golden/f0/', import.meta.url);

/** Numbers in row-major order. */
export interface GoldenValues {
  readonly dims: readonly number[];
  readonly data: readonly number[];
}

export type F0Model = 'm2' | 'm3' | 'mg';

/** What one library gives for one method, model and target class of fixture F0 (test/golden/make_f0.py). */
export interface F0Case {
  readonly model: F0Model;
  readonly library: 'pytorch-grad-cam' | 'torchcam';
  /** Our canonical method name. */
  readonly method: string;
  readonly target: number;
  /** Our parameter names; `sigma` 1e-12 stands for a noisy method with its noise taken away. */
  readonly params: Readonly<Record<string, number | boolean>>;
  /** Channel weights [1,C]. */
  readonly weights?: GoldenValues;
  /** Target score of each channel's run [1,C]. */
  readonly scores?: GoldenValues;
  /** Map before the outermost ReLU and normalisation [1,h,w]; of the eigen family known up to its sign. */
  readonly raw: GoldenValues;
  /** The library's result: [1,H,W] for pytorch-grad-cam, [1,h,w] for torchcam. */
  readonly map: GoldenValues;
}

export interface F0 {
  readonly input: GoldenValues;
  /** Name of the target layer's tensor in every model; the model's tensors `input` and `logits` are named so. */
  readonly layer: string;
  /** Per model: activations [1,2,2,2], logits [1,K], and the layer's gradient [1,2,2,2] of each logit. */
  readonly models: Readonly<
    Record<F0Model, { activations: GoldenValues; logits: GoldenValues; gradients: readonly GoldenValues[] }>
  >;
  readonly cases: readonly F0Case[];
}

export const loadF0 = (): F0 => JSON.parse(readFileSync(new URL('values.json', folder), 'utf8')) as F0;

/** The bytes of a toy model: M2 (linear tail), M3 (ReLU in the tail) or MG (global average pooling). */
export const f0Model = (name: F0Model): Uint8Array => readFileSync(new URL(`${name}.onnx`, folder));
