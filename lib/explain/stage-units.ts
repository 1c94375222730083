import { lastLayer, stageLayers } from '../model/find/choose-layer.ts';
import type { Layer } from '../model/find/layer.ts';
import type { Graph } from '../model/graph/graph.ts';
import type { WeightUnit } from '../model/rewrite/randomize-weights.ts';

/**
 * How many of the units lie before the end of each of the network's stages, ascending; the last number is that of all. None where no
 * layer ends a stage.
 */
export function stageUnits(
  { graph, layers }: { readonly graph: Graph; readonly layers: readonly Layer[] },
  units: readonly WeightUnit[],
): number[] {
  if (!lastLayer(layers)) return [];
  const makers = new Map(graph.nodes.flatMap(({ outputs }, place) => outputs.map(name => [name, place] as const)));
  const ends = stageLayers(layers).map(({ name }) => units.filter(({ node }) => node <= makers.get(name)!).length);
  return [...new Set([...ends, units.length])].filter(count => count > 0).sort((a, b) => a - b);
}
