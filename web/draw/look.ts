import { settings } from '../state/settings.ts';
import type { Look } from './paint.ts';

/** How the settings want maps shown; whoever reads it in an effect follows them. */
export function look(): Look {
  const { heat, alpha, colormap, mask, box, contour, threshold, level } = settings;
  return {
    heat: heat.value,
    alpha: alpha.value,
    colormap: colormap.value,
    mask: mask.value,
    box: box.value,
    contour: contour.value,
    threshold: threshold.value,
    level: level.value,
  };
}
