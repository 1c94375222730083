import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type ModelProto, ModelProtoSchema } from 'onnx-buf';
import { samplePositions, uniform } from './seeded-weights.ts';

const folder = new URL('../golden/graphs/', import.meta.url);

/** PyTorch's float64 gradient of one logit per sample with respect to one tensor, as a sample of its values. */
export interface GoldenGradient {
  /** Name of the tensor in the graph. */
  readonly tensor: string;
  readonly dims: readonly number[];
  /** Norm and largest absolute value of the whole gradient. */
  readonly l2: number;
  readonly max: number;
  /** Relative l2 error of PyTorch's own float32 gradient. */
  readonly gap: number;
  /**
   * Smallest distance of an activation behind the tensor to a kink (of ReLU, Clip, HardSwish, HardSigmoid, MaxPool) in
   * units of the float32 error there; null where nothing has a kink. Below about 1 another float32 engine may take the
   * other side, and the gradient then differs by far more than rounding.
   */
  readonly margin: number | null;
  /** Indexes into the flattened gradient, and the values there. */
  readonly positions: readonly number[];
  readonly values: readonly number[];
}

export interface GoldenGraph {
  readonly label: string;
  readonly architecture: string;
  readonly exporter: 'legacy' | 'dynamo';
  readonly opset: number;
  /** The complete ONNX file, weights filled in. */
  readonly model: Uint8Array;
  readonly input: { readonly name: string; readonly dims: readonly number[]; readonly data: Float32Array };
  /** The class whose logit is differentiated, per sample. */
  readonly targets: readonly number[];
  /** [N,K], of tensor `logits` */
  readonly logits: readonly (readonly number[])[];
  readonly gradients: Readonly<Record<'last' | 'middle' | 'input', GoldenGradient>>;
}

/** Every graph of test/golden/graphs, as `architecture-exporter-opset`. */
export function goldenGraphLabels(): string[] {
  return readdirSync(folder)
    .filter(name => name.endsWith('.json'))
    .map(name => name.slice(0, -'.json'.length))
    .sort();
}

/** Reads a graph and fills its weights (up to 25 million numbers: a fraction of a second). */
export function loadGoldenGraph(label: string): GoldenGraph {
  const record = JSON.parse(readFileSync(new URL(`${label}.json`, folder), 'utf8'));
  const { architecture, exporter, opset, targets, logits, weights, input } = record;
  const proto = fromBinary(ModelProtoSchema, gunzipSync(readFileSync(new URL(`${label}.onnx.gz`, folder))));
  fillWeights(proto, weights);
  const gradients = Object.fromEntries(
    Object.entries(record.gradients as GoldenGraph['gradients']).map(([key, gradient]) => {
      const positions = samplePositions(elements(gradient.dims), gradient.values.length);
      return [key, { ...gradient, positions }];
    }),
  ) as unknown as GoldenGraph['gradients'];
  return {
    label,
    architecture,
    exporter,
    opset,
    targets,
    logits,
    gradients,
    model: toBinary(ModelProtoSchema, proto),
    input: { name: input.name, dims: input.dims, data: uniform(input.seed, elements(input.dims), input.scale) },
  };
}

/** A tensor's seed is its place in the list, counted from 1. */
function fillWeights(proto: ModelProto, weights: readonly [name: string, scale: number, offset: number][]): void {
  const tensors = new Map(proto.graph?.initializer.map(tensor => [tensor.name, tensor]));
  weights.forEach(([name, scale, offset], index) => {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`the graph has no initializer "${name}"`);
    const values = uniform(index + 1, elements(tensor.dims.map(Number)), scale, offset);
    tensor.rawData = new Uint8Array(values.buffer) as Uint8Array<ArrayBuffer>;
  });
}

const elements = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);
