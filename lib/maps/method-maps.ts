import { DeviceTensor } from '../engine/device-tensor.ts';
import type { InputSize, Placement } from '../image/geometry.ts';
import { gridOver } from '../image/restore-map.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import { termOf } from '../kernels/reductions.ts';
import type { Maps } from '../kernels/types.ts';
import { NORMALIZE_EPSILONS } from '../kernels/types.ts';
import * as direct from '../kernels/unchecked.ts';
import { allReady, eachInTurn, type MaybeLater, whenReady } from '../maybe-later.ts';
import type { ChosenMethod } from '../methods/choose.ts';
import { mapped, sized } from '../methods/conventions/convention.ts';
import { FINISH, STRETCH } from '../methods/conventions/index.ts';
import {
  gradientsOf,
  isOfTarget,
  type LayerResult,
  type LayerTensors,
  type MethodContext,
  type ShownConcept,
} from '../methods/definition.ts';
import { layerMaps } from '../methods/support/layer-maps.ts';
import { judge, type Verdict } from '../result/status.ts';
import type { MaskOptimizer } from '../scoring/mask-optimizer.ts';
import type { Scorer } from '../scoring/scorer.ts';

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
  /** Maps in [0, 1]; zero where the verdict is not 'ok'. */
  readonly maps: Maps;
  /** Whether they lie over the original picture already; else they have the resolution where the convention ends. */
  readonly placed: boolean;
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
  /** Where the only image of a single result lies in the input: its map may be placed over the original at once. */
  readonly placement?: Placement;
};

const NONE: readonly never[] = [];

/** Runs one method on the tensors of its layers and finishes the maps as the convention says. */
export function methodMaps(
  method: Method,
  layers: readonly LayerTensors[],
  size: InputSize,
  context: Context,
): MaybeLater<MethodMaps> {
  const { definition, params } = method;
  const contextOf = (layer: LayerTensors, i: number) => methodContext(method, layer, i, size, context);
  if (definition.computeLayers)
    return whenReady(definition.computeLayers(layers, contextOf(layers[0]!, 0)), ({ maps }) => {
      const own = { raw: [maps], colours: NONE, concepts: NONE };
      return finishedMaps(method, size, own, definition.smoothsLayers === true);
    });
  const computed = eachInTurn(layers, (layer, i) => definition.compute(layer, contextOf(layer, i)));
  return whenReady(computed, results => {
    const placed = context.placement && placedMaps(method, layers, results, context.placement);
    if (placed) return placed;
    const raw = eachInTurn(layers, (layer, i) =>
      whenReady(layerMaps(layer, results[i]!, params.eigenSmooth === true), maps => ({
        ...maps,
        depth: layer.activations.depth,
      })),
    );
    return whenReady(raw, maps => {
      const own = { raw: maps, ...besides(layers, results) };
      return finishedMaps(method, size, own, !results.some(result => 'maps' in result));
    });
  });
}

function methodContext(
  { convention, params }: Method,
  layer: LayerTensors,
  i: number,
  size: InputSize,
  { seed, scorers, optimizers }: Context,
): MethodContext {
  const [scorer, optimizer] = [scorers?.[i], optimizers?.[i]];
  const count =
    (scorer ?? optimizer)?.targets ??
    Math.max(layer.activations.dims[0]!, (layer.gradients ?? layer.guided ?? layer.attributions)?.dims[0] ?? 1);
  return { seed, size, scorer, optimizer, convention, params, count };
}

/** What methods with finished maps say besides of each layer. */
function besides(
  layers: readonly LayerTensors[],
  results: readonly LayerResult[],
): Pick<RawMaps, 'colours' | 'concepts'> {
  const colours: FeatureMaps[] = [];
  const concepts: (readonly ShownConcept[])[] = [];
  for (const [i, result] of results.entries()) {
    if (!('maps' in result)) continue;
    if (result.raw) colours.push({ ...result.raw, depth: layers[i]!.activations.depth });
    if (result.concepts) concepts.push(result.concepts);
  }
  return { colours, concepts };
}

/**
 * The map of a single layer that the convention only stretches: sum, stretch and place are one call then. Undefined where
 * there is more to do, or no sum, or tensors lie on a device.
 */
function placedMaps(
  { definition, params, convention }: Method,
  layers: readonly LayerTensors[],
  [result, ...others]: readonly LayerResult[],
  placement: Placement,
): MaybeLater<MethodMaps> | undefined {
  const stretch = STRETCH[convention];
  if (!stretch || others.length > 0 || 'maps' in result! || params.eigenSmooth === true) return undefined;
  if (enlargement({ definition, params, convention })) return undefined;
  const [layer] = layers as [LayerTensors];
  const { activations } = layer;
  const factors = 'weights' in result! ? result.weights : gradientsOf(layer);
  if (activations instanceof DeviceTensor || factors instanceof DeviceTensor) return undefined;
  const [, , height, width] = activations.dims as [number, number, number, number];
  const sum = direct.placedSum(
    'weights' in result! ? 'product' : termOf(result!.product),
    activations,
    factors,
    { epsilon: NORMALIZE_EPSILONS[stretch], relu: params.relu as boolean },
    gridOver(height, width, placement),
  );
  return whenReady(sum, ({ raw, placed }) => {
    const verdicts = verdictsOf([raw], { definition, params });
    return {
      raw: [raw],
      colours: NONE,
      concepts: NONE,
      maps: cleared(placed, verdicts),
      placed: true,
      verdicts,
      warnings: NONE,
    };
  });
}

/** `sums`: there were sums over channels, which `eigenSmooth` may take the place of. */
function finishedMaps(method: Method, size: InputSize, own: RawMaps, sums: boolean): MaybeLater<MethodMaps> {
  const { definition, params } = method;
  const verdicts = verdictsOf(own.raw, method);
  const warnings =
    params.eigenSmooth === true && !sums
      ? [`eigenSmooth takes the place of a sum over channels, which ${definition.name} has none of: it was left out`]
      : NONE;
  return whenReady(finished(own.raw, size, method), maps => ({
    ...own,
    maps: cleared(maps, verdicts),
    placed: false,
    verdicts,
    warnings,
  }));
}

function verdictsOf(raw: readonly Maps[], { definition, params }: Omit<Method, 'convention'>): Verdict[] {
  const choice = { relu: params.relu as boolean, ofTarget: isOfTarget(definition.needs) };
  return Array.from({ length: raw[0]!.dims[0] }, (_, n) =>
    judge(
      raw.map(maps => nth(maps, n)),
      choice,
    ),
  );
}

/** How the maps are enlarged before they are stretched, if they are. */
function enlargement({ definition, params, convention }: Method): 'bilinear' | 'align-corners' | undefined {
  return convention === 'paper' ? definition.enlarged?.(params) : undefined;
}

function finished(raw: readonly Maps[], size: InputSize, method: Method): MaybeLater<Maps> {
  const { definition, params, convention } = method;
  const relu = params.relu as boolean;
  const interpolation = enlargement(method);
  const layers = interpolation ? allReady(raw, maps => enlarged(maps, relu, size, interpolation)) : raw;
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
