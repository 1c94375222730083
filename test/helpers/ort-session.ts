import * as ort from 'onnxruntime-node';
import { OnnxCamError } from '../../lib/common/errors.ts';
import type { Tensor, TensorType } from '../../lib/engine/tensor.ts';

/** The engine's session interface over onnxruntime-node: the model tests judge the graphs, not our own engine. */
export async function createOrtSession(
  model: Uint8Array,
  options: { externalFiles?: Readonly<Record<string, Uint8Array>>; graphOptimizationLevel?: 'disabled' | 'all' } = {},
) {
  const session = await coded(
    ort.InferenceSession.create(model, {
      graphOptimizationLevel: options.graphOptimizationLevel ?? 'disabled',
      externalData: Object.entries(options.externalFiles ?? {}).map(([path, data]) => ({ path, data })),
      intraOpNumThreads: 1,
      logSeverityLevel: 4,
    }),
  );
  return {
    outputs: session.outputMetadata.map(value => ({
      name: value.name,
      type: value.isTensor ? value.type : 'none',
      dims: value.isTensor ? value.shape : [],
    })),
    async run(feeds: Readonly<Record<string, Tensor>>, fetches: readonly string[]): Promise<Record<string, Tensor>> {
      const inputs = Object.fromEntries(
        Object.entries(feeds).map(([name, { type, data, dims }]) => [
          name,
          new ort.Tensor(type as 'float32', data as Float32Array, dims),
        ]),
      );
      const outputs = await coded(session.run(inputs, [...fetches]));
      return Object.fromEntries(
        Object.entries(outputs).map(([name, value]) => [
          name,
          { type: value.type as TensorType, data: value.data, dims: value.dims } as Tensor,
        ]),
      );
    },
    dispose: () => session.release(),
  };
}

function coded<T>(promise: Promise<T>): Promise<T> {
  return promise.catch(cause => {
    throw new OnnxCamError('ERR_RUNTIME', (cause as Error).message, { cause });
  });
}
