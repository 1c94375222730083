import type { LayerName } from '../options.ts';

/** A layer as text: a whole number is a candidate's place; the explainer looks for a tensor of that name first. */
export function layerName(text: string): LayerName {
  return /^-\d+$/.test(text) ? Number(text) : text;
}
