import { applyMethod } from '../maps/apply-method.ts';
import type { LayerTensors } from '../methods/definition.ts';
import { inputSize } from '../network/images.ts';
import type { Runs } from '../result/explanation-fields.ts';
import { layerTensors } from './layer-tensors.ts';
import type { Computed, MethodInput } from './method-input.ts';

/** Of methods that only read what the network gave. */
const NO_RUNS: Runs = { network: 0, tail: 0, saved: 0 };

/** A method's maps of one set of layers, all images of the run at once. */
export async function computeTogether(input: MethodInput): Promise<Computed[]> {
  const { network, run, noisy, work, method, layers, targets, request } = input;
  const start = performance.now();
  const tensors = layers.map(
    (layer): LayerTensors => ({
      ...layerTensors(network, run, layer, method, targets),
      noisy: noisy?.get(layer.name),
    }),
  );
  const { seed, signal } = request;
  const maps = await applyMethod(method, tensors, inputSize(work[0]!.image), { seed, signal });
  const milliseconds = (performance.now() - start) / work.length;
  const many = targets.length > work.length;
  return work.map((_, i) => ({ maps, first: many ? 0 : i, milliseconds, runs: NO_RUNS, warnings: [] }));
}
