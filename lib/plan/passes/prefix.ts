import { prefixTokens } from '../conversions.ts';
import { hasPrefix } from '../target-layer.ts';
import type { AppendedLayers, Pass } from './pass.ts';

/** The tokens [N, P, D] before those of the picture, which runs of changed activations keep. */
export const prefix: Pass = {
  wanted: ({ scores = [] }, layer) => (scores.includes('tail') || scores.includes('block')) && hasPrefix(layer),
  of: 'layer',
  backward: false,
  *append({ graph, facts }, layers) {
    const appended: AppendedLayers = [];
    for (const layer of layers) {
      appended.push([layer.name, prefixTokens(graph, facts, layer.name, layer)]);
      yield;
    }
    return appended;
  },
};
