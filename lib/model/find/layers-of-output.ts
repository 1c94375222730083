import type { FactTable } from '../graph/facts.ts';
import type { Graph } from '../graph/graph.ts';
import { type ChosenLayer, chooseAutomatic } from './choose-layer.ts';
import type { Detector } from './detector.ts';
import type { ImageInput } from './input.ts';
import { jointLayer } from './joint-layer.ts';
import { type Layer, listLayers } from './layers.ts';
import type { Logits } from './logits.ts';

/** The layers between the picture and an output's scores, and those that are taken where none is named. */
export interface LayersOfOutput {
  readonly layers: readonly Layer[];
  readonly automatic: readonly ChosenLayer[];
  /** The last of these. */
  readonly chosen: ChosenLayer | undefined;
}

/** @param detector the one that the output belongs to, if there is one */
export function layersOfOutput(
  { graph, facts, input }: { readonly graph: Graph; readonly facts: FactTable; readonly input: ImageInput },
  logits: Logits,
  detector: Detector | undefined,
): LayersOfOutput {
  const listed: readonly Layer[] = listLayers(graph, facts, input, logits);
  // What a suppression hands on is not in the order of resolutions.
  const joint = detector && !detector.labels ? jointLayer(listed, graph, facts, detector.scores) : undefined;
  // Its branches are those of the resolutions.
  const layers = joint
    ? listed.map((layer): Layer => ({ ...layer, branch: undefined, ...(layer.name === joint.name && { joint: true }) }))
    : listed;
  const some = layers.some(layer => layer.dominating || layer.joint || layer.branch);
  const automatic = some ? chooseAutomatic(layers) : [];
  return { layers, automatic, chosen: automatic.at(-1) };
}
