import { resize } from '../kernels/index.ts';
import { combineMaps } from '../kernels/map-values.ts';
import { largestSize } from './conventions/convention.ts';
import { FINISH } from './conventions/index.ts';
import { defineMethod } from './definition.ts';
import { baseParam, computeBase } from './support/bases.ts';
import { layerMaps } from './support/layer-maps.ts';

const CONVENTION_OF = { paper: 'paper', pgc: 'pytorch-grad-cam', torchcam: 'torchcam' } as const;
type Mode = keyof typeof CONVENTION_OF;

/**
 * The product of another method's maps of several layers, each in [0, 1], at the largest layer's size; pytorch-grad-cam
 * multiplies at the input's size. What one layer finds irrelevant is irrelevant in the product.
 */
export const refineCam = defineMethod({
  name: 'refine-cam',
  title: 'RefineCAM',
  family: 'gradient',
  paper: 'arXiv:2605.14641',
  needs: { activations: true, gradients: 'first' },
  cost: '1F + 1B',
  params: {
    mode: {
      type: 'string',
      values: Object.keys(CONVENTION_OF),
      default: 'paper',
      defaults: { 'pytorch-grad-cam': 'pgc', torchcam: 'torchcam' },
      description:
        "whose maps are multiplied: those of the paper and torchcam at the layers' sizes, pytorch-grad-cam's at the input's",
    },
    base: baseParam('grad-cam++'),
  },
  conventions: ['pytorch-grad-cam', 'torchcam'],
  relu: true,
  scope: 'layers',
  smooths: true,
  multiplies: 'the maps of all layers',
  compute: async (layers, context) => {
    const { params, size } = context;
    const convention = CONVENTION_OF[params.mode as Mode];
    const relu = params.relu as boolean;
    const finished = await Promise.all(
      layers.map(async layer => {
        const raw = await layerMaps(
          layer,
          await computeBase(layer, { ...context, convention }),
          params.eigenSmooth === true,
          context.signal,
        );
        return FINISH[convention]({ layers: [raw], size, relu });
      }),
    );
    const common = largestSize(finished);
    const sized = await Promise.all(finished.map(maps => resize(maps, { ...common, interpolation: 'bilinear' })));
    return { maps: await combineMaps(sized, 'product') };
  },
});
