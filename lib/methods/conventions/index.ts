import type { Convention, Fusion } from '../definition.ts';
import type { Finish } from './convention.ts';
import { paper } from './paper.ts';
import { pytorchGradCam } from './pytorch-grad-cam.ts';
import { torchcam } from './torchcam.ts';

export const FINISH: Readonly<Record<Convention, Finish>> = { paper, 'pytorch-grad-cam': pytorchGradCam, torchcam };

/** How a convention joins layers by itself, with a method that has a fusion of its own or none. */
export function ownFusion(convention: Convention, own: Fusion | undefined): Fusion {
  if (convention === 'pytorch-grad-cam') return 'mean';
  return own ?? (convention === 'torchcam' ? 'max' : 'mean');
}
