import { COLORMAPS } from '../../lib/image/colormap.ts';
import { settings, THRESHOLD_FORMS } from '../state/settings.ts';
import type { Look } from './paint.ts';

/** How the settings want maps shown; whoever reads it in an effect follows them. An address can name what there is not: then the defaults. */
export function look(): Look {
  const { heat, alpha, colormap, mask, box, contour, threshold, level } = settings;
  return {
    heat: heat.value,
    alpha: Math.min(1, Math.max(0, alpha.value)),
    colormap: COLORMAPS.find(name => name === colormap.value) ?? colormap.initial,
    mask: mask.value,
    box: box.value,
    contour: contour.value,
    threshold: THRESHOLD_FORMS.find(form => form === threshold.value) ?? threshold.initial,
    level: level.value,
  };
}
