import { gateGradients } from '../../kernels/feature-values.ts';
import type { FeatureMaps } from '../../kernels/features.ts';
import { gradientProduct, type ProductForm, principalComponent, weightedSum } from '../../kernels/index.ts';
import { changeValues } from '../../kernels/map-values.ts';
import type { Maps } from '../../kernels/types.ts';
import { gradientsOf, type LayerResult, type LayerTensors } from '../definition.ts';

/**
 * The raw maps [N, h, w] of a layer from a method's answer. With `eigenSmooth` the sum over channels is replaced by the
 * centred projection of the weighted activations on their first principal direction (pytorch-grad-cam's
 * `eigen_smooth`); methods that give finished maps have no sum to replace.
 */
export async function layerMaps(
  layer: LayerTensors,
  result: LayerResult,
  eigenSmooth: boolean,
  signal?: AbortSignal,
): Promise<Maps> {
  if ('maps' in result) return result.maps;
  const { activations } = layer;
  if ('weights' in result)
    return eigenSmooth
      ? principalComponent(activations, { centre: true, weights: result.weights, sign: 'activation', signal })
      : weightedSum(activations, result.weights);
  const gradients = gradientsOf(layer);
  if (!eigenSmooth) return gradientProduct(activations, gradients, result.product);
  return principalComponent(activations, {
    centre: true,
    gradients: await factors(gradients, activations, result.product),
    sign: 'activation',
    signal,
  });
}

/** The factor that A is multiplied with: G, max(G, 0) (LayerCAM), or G where G·A > 0 (element-wise Grad-CAM). */
async function factors(gradients: FeatureMaps, activations: FeatureMaps, form: ProductForm): Promise<FeatureMaps> {
  if (form === 'hirescam') return gradients;
  if (form === 'elementwise') return gateGradients(activations, gradients);
  return { data: await changeValues(gradients.data, 'positive'), dims: gradients.dims };
}
