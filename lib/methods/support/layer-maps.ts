import type { FeatureMaps } from '../../kernels/features.ts';
import { gradientProduct, type ProductForm, principalComponent, weightedSum } from '../../kernels/index.ts';
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
    gradients: factors(gradients, activations, result.product),
    sign: 'activation',
    signal,
  });
}

/** The factor that A is multiplied with: G, max(G, 0) (LayerCAM), or G where G·A > 0 (element-wise Grad-CAM). */
function factors(gradients: FeatureMaps, activations: FeatureMaps, form: ProductForm): FeatureMaps {
  if (form === 'hirescam') return gradients;
  if (form === 'layercam') return { data: gradients.data.map(value => Math.max(value, 0)), dims: gradients.dims };
  const count = Math.max(gradients.dims[0]!, activations.dims[0]!);
  const perImage = activations.data.length / activations.dims[0]!;
  const perGradient = gradients.data.length / gradients.dims[0]!;
  const positions = perImage / perGradient;
  const data = new Float32Array(count * perImage);
  for (let i = 0; i < data.length; i++) {
    const a = activations.data[i % activations.data.length]!;
    const g = gradients.data[Math.floor(i / positions) % gradients.data.length]!;
    data[i] = g * a > 0 ? g : 0;
  }
  return { data, dims: [count, ...activations.dims.slice(1)] };
}
