import { normalize } from '../../kernels/maps.ts';
import type { Maps } from '../../kernels/types.ts';
import { combined, type Finish, sized, stretched } from './convention.ts';

/**
 * pytorch-grad-cam 1.5 (docs/methods.md#conventions): per layer ReLU, M − min, / (1e-7 + max), bilinear resize to the
 * input's size; then all layers as one, stretched once more in the same way. A product is made of maps that are each
 * stretched twice, as that tool's RefineCAM has it.
 */
export const pytorchGradCam: Finish = async ({ layers, size, relu, fusion = 'mean', stretchedOnce }) => {
  const kind = 'pgc';
  const again = (maps: Maps) => (stretchedOnce ? maps : normalize(maps, { kind }));
  const small = await stretched({ layers, relu, fusion }, kind, { deepest: 'plain' });
  const maps = await Promise.all(small.map(one => sized(one, size)));
  if (fusion !== 'product' || maps.length === 1) return again(await combined(maps, fusion));
  return normalize(await combined(await Promise.all(maps.map(again)), fusion), { kind });
};
