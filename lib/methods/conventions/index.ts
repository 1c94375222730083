import type { NormalizeKind } from '../../kernels/types.ts';
import type { Convention } from '../definition.ts';
import type { Finish } from './convention.ts';
import { paper } from './paper.ts';
import { pytorchGradCam } from './pytorch-grad-cam.ts';
import { torchcam } from './torchcam.ts';

export const FINISH: Readonly<Record<Convention, Finish>> = { paper, 'pytorch-grad-cam': pytorchGradCam, torchcam };

/** Of conventions that do nothing but stretch the map of a single layer to [0, 1]: how. */
export const STRETCH: Readonly<Partial<Record<Convention, NormalizeKind>>> = { paper: 'range', torchcam: 'torchcam' };
