import type { Convention } from '../definition.ts';
import type { Finish } from './convention.ts';
import { paper } from './paper.ts';
import { pytorchGradCam } from './pytorch-grad-cam.ts';
import { torchcam } from './torchcam.ts';

export const FINISH: Readonly<Record<Convention, Finish>> = { paper, 'pytorch-grad-cam': pytorchGradCam, torchcam };
