import * as direct from '../kernels/direct.ts';
import type { Maps } from '../kernels/maps.ts';
import { allReady, eachInTurn, type MaybeLater, whenReady } from '../maybe-later.ts';
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

/** What a method made of its layers. */
interface RawMaps {
  /** Raw maps [N, h, w] of each layer. */
  readonly raw: readonly Maps[];
  /** Of methods whose own values have colours: those, [N, C, h, w], of each layer. */
  readonly colours: readonly FeatureMaps[];
  /** Of methods that find concepts: of each layer, which one each map shows; `colours` are the concepts then. */
  readonly concepts: readonly (readonly ShownConcept[])[];
}

export interface MethodMaps extends RawMaps {
  /** Maps in [0, 1], at the resolution where the convention ends; zero where the verdict is not 'ok'. */
  readonly maps: Maps;
  /** One for each of the N results. */
  readonly verdicts: readonly Verdict[];
  readonly warnings: readonly string[];
}

type Method = Pick<ChosenMethod, 'definition' | 'params' | 'convention'>;

type Context = Pick<MethodContext, 'seed'> & {
  /** For methods that need scores: one scorer per layer, bound to the image that the layers belong to. */
  readonly scorers?: readonly Scorer[];
  /** For methods that need an optimiser: likewise. */
  readonly optimizers?: readonly MaskOptimizer[];
};

const NONE: readonly never[] = [];

/** Runs one method on the tensors of its layers and finishes the maps as the convention says. */
export function methodMaps(
  method: Method,
  layers: readonly LayerTensors[],
  size: InputSize,
  context: Context,
): MaybeLater<MethodMaps> {
  return whenReady(rawMaps(method, layers, size, context), ({ sums, ...own }) => {
    const verdicts = verdictsOf(own.raw, method);
    return whenReady(finished(own.raw, size, method), maps => ({
      ...own,
      maps: cleared(maps, verdicts),
      verdicts,
      warnings:
        method.params.eigenSmooth === true && !sums
          ? [
              `eigenSmooth takes the place of a sum over channels, which ${method.definition.name} has none of: it was left out`,
            ]
          : NONE,
    }));
  });
}

/** `sums`: there were sums over channels, which `eigenSmooth` may take the place of. */
function rawMaps(
  { definition, params, convention }: Method,
  layers: readonly LayerTensors[],
  size: InputSize,
  { seed, scorers, optimizers }: Context,
): MaybeLater<RawMaps & { readonly sums: boolean }> {
  const contextOf = (layer: LayerTensors, i: number): MethodContext => {
    const [scorer, optimizer] = [scorers?.[i], optimizers?.[i]];
    const count =
      (scorer ?? optimizer)?.targets ??
      Math.max(layer.activations.dims[0]!, (layer.gradients ?? layer.guided ?? layer.attributions)?.dims[0] ?? 1);
    return { seed, size, scorer, optimizer, convention, params, count };
  };
  if (definition.computeLayers) {
    const sums = definition.smoothsLayers === true;
    const joined = definition.computeLayers(layers, contextOf(layers[0]!, 0));
    return whenReady(joined, ({ maps }) => ({ raw: [maps], colours: NONE, concepts: NONE, sums }));
  }
  const answers = eachInTurn(layers, (layer, i) =>
    whenReady(definition.compute(layer, contextOf(layer, i)), result =>
      whenReady(layerMaps(layer, result, params.eigenSmooth === true), maps => ({
        result,
        maps: { ...maps, depth: layer.activations.depth },
      })),
    ),
  );
  return whenReady(answers, given => {
    const colours: FeatureMaps[] = [];
    const concepts: (readonly ShownConcept[])[] = [];
    let sums = true;
    for (const { result, maps } of given) {
      if (!('maps' in result)) continue;
      sums = false;
      if (result.raw) colours.push({ ...result.raw, depth: maps.depth });
      if (result.concepts) concepts.push(result.concepts);
    }
    return { raw: given.map(({ maps }) => maps), colours, concepts, sums };
  });
}

function verdictsOf(raw: readonly Maps[], { definition, params }: Method): Verdict[] {
  const choice = { relu: params.relu as boolean, ofTarget: isOfTarget(definition.needs) };
  return Array.from({ length: raw[0]!.dims[0] }, (_, n) =>
    judge(
      raw.map(maps => nth(maps, n)),
      choice,
    ),
  );
}

function finished(raw: readonly Maps[], size: InputSize, { definition, params, convention }: Method): MaybeLater<Maps> {
  const relu = params.relu as boolean;
  const interpolation = convention === 'paper' ? definition.enlarged?.(params) : undefined;
  const layers = interpolation ? allReady(raw.map(maps => enlarged(maps, relu, size, interpolation))) : raw;
  return whenReady(layers, ready =>
    FINISH[convention]({
      layers: ready,
      size,
      relu,
      fusion: definition.fusion ?? 'mean',
      stretchedOnce: definition.stretchedOnce,
    }),
  );
}

function enlarged(
  maps: Maps,
  relu: boolean,
  size: InputSize,
  interpolation: 'bilinear' | 'align-corners',
): MaybeLater<Maps> {
  const positive = relu ? mapped(maps, value => Math.max(value, 0)) : maps;
  return interpolation === 'bilinear' ? sized(positive, size) : direct.resize(positive, { ...size, interpolation });
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
