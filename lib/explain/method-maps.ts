import { resize } from '../kernels/index.ts';
import type { Maps } from '../kernels/maps.ts';
import { mapped, sized } from '../methods/conventions/convention.ts';
import { FINISH } from '../methods/conventions/index.ts';
import {
  type FeatureMaps,
  type InputSize,
  isOfTarget,
  type LayerTensors,
  type MethodContext,
  type ShownConcept,
} from '../methods/definition.ts';
import { layerMaps } from '../methods/layer-maps.ts';
import type { MaskOptimizer } from '../scoring/mask-optimizer.ts';
import type { Scorer } from '../scoring/scorer.ts';
import type { ChosenMethod } from './methods.ts';
import { judge, type Verdict } from './status.ts';

export interface MethodMaps {
  /** Raw maps [N, h, w] of each layer. */
  readonly raw: readonly Maps[];
  /** Of methods whose own values have colours: those, [N, C, h, w], of each layer. */
  readonly colours: readonly FeatureMaps[];
  /** Of methods that find concepts: of each layer, which one each map shows; `colours` are the concepts then. */
  readonly concepts: readonly (readonly ShownConcept[])[];
  /** Maps in [0, 1], at the resolution where the convention ends; zero where the verdict is not 'ok'. */
  readonly maps: Maps;
  /** One for each of the N results. */
  readonly verdicts: readonly Verdict[];
  readonly warnings: readonly string[];
}

/** Runs one method on the tensors of its layers and finishes the maps as the convention says. */
export async function methodMaps(
  { definition, params, convention }: Pick<ChosenMethod, 'definition' | 'params' | 'convention'>,
  layers: readonly LayerTensors[],
  size: InputSize,
  context: Pick<MethodContext, 'seed'> & {
    /** For methods that need scores: one scorer per layer, bound to the image that the layers belong to. */
    readonly scorers?: readonly Scorer[];
    /** For methods that need an optimiser: likewise. */
    readonly optimizers?: readonly MaskOptimizer[];
  },
): Promise<MethodMaps> {
  const relu = params.relu as boolean;
  const ofTarget = isOfTarget(definition.needs);
  const { seed, scorers, optimizers } = context;
  const contextOf = (layer: LayerTensors, i: number): MethodContext => {
    const [scorer, optimizer] = [scorers?.[i], optimizers?.[i]];
    const count =
      (scorer ?? optimizer)?.targets ??
      Math.max(layer.activations.dims[0]!, (layer.gradients ?? layer.guided ?? layer.attributions)?.dims[0] ?? 1);
    return { seed, size, scorer, optimizer, convention, params, count };
  };
  const raw: Maps[] = [];
  let sums = true;
  const colours: FeatureMaps[] = [];
  const concepts: (readonly ShownConcept[])[] = [];
  if (definition.computeLayers) {
    const { maps } = await definition.computeLayers(layers, contextOf(layers[0]!, 0));
    raw.push(maps);
    sums = definition.smoothsLayers === true;
  } else {
    for (const [i, layer] of layers.entries()) {
      const result = await definition.compute(layer, contextOf(layer, i));
      const { depth } = layer.activations;
      if ('maps' in result) sums = false;
      if ('raw' in result && result.raw) colours.push({ ...result.raw, depth });
      if ('concepts' in result && result.concepts) concepts.push(result.concepts);
      const maps = await layerMaps(layer, result, params.eigenSmooth === true);
      raw.push({ ...maps, depth });
    }
  }
  const count = raw[0]!.dims[0];
  const verdicts = Array.from({ length: count }, (_, n) =>
    judge(
      raw.map(maps => nth(maps, n)),
      { relu, ofTarget },
    ),
  );
  const interpolation = convention === 'paper' ? definition.enlarged?.(params) : undefined;
  const maps = await FINISH[convention]({
    layers: interpolation ? await Promise.all(raw.map(maps => enlarged(maps, relu, size, interpolation))) : raw,
    size,
    relu,
    fusion: definition.fusion ?? 'mean',
    stretchedOnce: definition.stretchedOnce,
  });
  const warnings =
    params.eigenSmooth === true && !sums
      ? [`eigenSmooth takes the place of a sum over channels, which ${definition.name} has none of: it was left out`]
      : [];
  return { raw, colours, concepts, maps: cleared(maps, verdicts), verdicts, warnings };
}

async function enlarged(
  maps: Maps,
  relu: boolean,
  size: InputSize,
  interpolation: 'bilinear' | 'align-corners',
): Promise<Maps> {
  const positive = relu ? mapped(maps, value => Math.max(value, 0)) : maps;
  return interpolation === 'bilinear' ? sized(positive, size) : resize(positive, { ...size, interpolation });
}

/** The values of map `n` of a stack, as a view. */
export function nth({ data, dims: [, height, width] }: Maps, n: number): Float32Array {
  return data.subarray(n * height * width, (n + 1) * height * width);
}

/** A map that is not sound is never passed off as a picture: it is all zero. */
function cleared(maps: Maps, verdicts: readonly Verdict[]): Maps {
  verdicts.forEach(({ status }, n) => {
    if (status !== 'ok') nth(maps, n).fill(0);
  });
  return maps;
}
