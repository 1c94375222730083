import { isFloat32Array } from '../common/kinds.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import type { LayerTensors, MethodDefinition } from '../methods/definition.ts';

/**
 * Why the n-th map holds nothing but zeros, as far as its layers' tensors tell; undefined for all that they don't.
 * @returns what was found, and what to try
 */
export function whyZero(
  { multiplies, scope }: Pick<MethodDefinition, 'multiplies' | 'scope'>,
  layers: readonly LayerTensors[],
  n: number,
): string | undefined {
  const some = (of: (layer: LayerTensors) => FeatureMaps | undefined) => {
    const found = layers.map(layer => isSomewhere(of(layer), n));
    return found.includes(undefined) || found.length === 0 ? undefined : found.includes(true);
  };
  const [active, sloped] = [some(({ activations }) => activations), some(({ gradients }) => gradients)];
  if (active === false)
    return 'with this input the layer is zero everywhere, so that no target has a map there (try another layer)';
  if (sloped === false)
    return (
      "so is the score's gradient at this layer: the score does not depend on it, or is saturated or cut off " +
      '(try the logit instead of the probability, another layer, or another target)'
    );
  if (multiplies && (scope === 'layer' || layers.length > 1))
    return `${multiplies} are multiplied, and where one is positive another is zero (try one of them, or other layers)`;
  if (sloped)
    return 'the score depends on this layer, but only where the layer itself is zero (try another layer or method)';
  return undefined;
}

/** Whether the n-th part holds anything but zeros; undefined without a part, or on a device. */
function isSomewhere(maps: FeatureMaps | undefined, n: number): boolean | undefined {
  if (!maps || !isFloat32Array(maps.data)) return undefined;
  const [count] = maps.dims as [number];
  const size = maps.data.length / count;
  const first = count > 1 ? n * size : 0;
  return maps.data.subarray(first, first + size).some(value => value !== 0);
}
