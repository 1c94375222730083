import type { InputSize } from '../image/geometry.ts';
import type { FeatureMaps } from '../kernels/features.ts';
import { mapRanges } from '../kernels/map-values.ts';
import type { Maps } from '../kernels/types.ts';
import type { ChosenMethod } from '../methods/choose.ts';
import { FINISH } from '../methods/conventions/index.ts';
import {
  isOfTarget,
  type LayerMethod,
  type LayerResult,
  type LayerTensors,
  type MethodContext,
  type ShownConcept,
} from '../methods/definition.ts';
import { layerMaps } from '../methods/support/layer-maps.ts';
import { judge, type Verdict } from '../result/status.ts';
import type { ActivationScorer } from '../scoring/activation-scorer.ts';
import type { MaskOptimizer } from '../scoring/mask-optimizer.ts';
import type { PictureScorer } from '../scoring/picture-scorer.ts';
import { enlargedMaps, nth, nthMap, unstretchedMap } from './unstretched.ts';
import { whyZero } from './why-zero.ts';

/** A method's own values, before the outermost ReLU, normalisation and resizing. */
export interface RawMaps {
  /** Raw maps [N, h, w] of each layer. */
  readonly raw: readonly Maps[];
  /** Of methods whose own values have colours: those, [N, C, h, w], of each layer. */
  readonly colours: readonly FeatureMaps[];
  /** Of methods that find concepts: of each layer, which one each map shows; `colours` are the concepts then. */
  readonly concepts: readonly (readonly ShownConcept[])[];
}

export interface MethodMaps extends RawMaps {
  /** Maps in [0, 1] at the resolution where the convention ends; zero where the verdict is not 'ok'. */
  readonly maps: Maps;
  /** What map `n` was before it was stretched to [0, 1], after the ReLU: [1, h, w]; of several layers the mean. */
  readonly unstretched: (n: number) => Promise<Maps>;
  /** One for each of the N results. */
  readonly verdicts: readonly Verdict[];
  readonly warnings: readonly string[];
}

type Method = Pick<ChosenMethod, 'definition' | 'params' | 'convention' | 'fusion'>;

type Context = Pick<MethodContext, 'seed' | 'signal'> & {
  /** For methods that need scores of changed images: bound to the image that the layers belong to. */
  readonly pictureScorer?: PictureScorer;
  /** For methods that need scores of changed activations: one scorer per layer. */
  readonly activationScorers?: readonly ActivationScorer[];
  /** For methods that need an optimiser: likewise. */
  readonly optimizers?: readonly MaskOptimizer[];
};

/** Runs one method on the tensors of its layers and finishes the maps as the convention says. */
export async function applyMethod(
  method: Method,
  layers: readonly LayerTensors[],
  size: InputSize,
  context: Context,
): Promise<MethodMaps> {
  const { definition } = method;
  const contextOf = (i: number) => methodContext(method, layers[i]!, i, size, context);
  if (definition.scope === 'layer') {
    const { own, sums } = await applyToEach(definition, method, layers, contextOf);
    return finishMaps(method, layers, size, own, sums);
  }
  const result = await definition.compute(layers as [LayerTensors, ...LayerTensors[]], contextOf(0));
  const smooths = definition.scope === 'layers' && definition.smooths === true;
  return finishMaps(method, layers, size, { raw: [result.maps], ...besides(layers, [result]) }, smooths);
}

/** Raw values that no run gave, [N, h, w] of each layer, finished as a method's own are. */
export function finishRaw(method: Method, raw: readonly Maps[], size: InputSize): Promise<MethodMaps> {
  return finishMaps(method, [], size, { raw, colours: [], concepts: [] }, true);
}

/** Maps that are finished already, [N, h, w] in [0, 1]; they are judged as they are. */
export async function asFinished({ definition }: Pick<Method, 'definition'>, maps: Maps): Promise<MethodMaps> {
  const ofTarget = isOfTarget(definition.needs);
  const ranges = await mapRanges(maps);
  const verdicts = ranges.map(range => judge([range], { relu: false, ofTarget }));
  const own = { raw: [{ ...maps, data: maps.data.slice() }], colours: [], concepts: [] };
  const [raw] = own.raw as [Maps];
  const unstretched = async (n: number) => nthMap(raw, n);
  return { ...own, maps: cleared(maps, verdicts), unstretched, verdicts, warnings: [] };
}

/** `sums`: there were sums over channels, which `eigenSmooth` may take the place of. */
async function applyToEach(
  definition: LayerMethod,
  { params }: Method,
  layers: readonly LayerTensors[],
  contextOf: (i: number) => MethodContext,
): Promise<{ own: RawMaps; sums: boolean }> {
  const raw: Maps[] = [];
  const results: LayerResult[] = [];
  // One after the other: scores are made with all threads.
  for (const [i, layer] of layers.entries()) {
    const context = contextOf(i);
    const result = await definition.compute(layer, context);
    const maps = await layerMaps(layer, result, params.eigenSmooth === true, context.signal);
    raw.push({ ...maps, depth: layer.activations.depth });
    results.push(result);
  }
  return { own: { raw, ...besides(layers, results) }, sums: !results.some(result => 'maps' in result) };
}

function methodContext(
  { convention, params }: Method,
  layer: LayerTensors,
  i: number,
  size: InputSize,
  { seed, signal, pictureScorer, activationScorers, optimizers }: Context,
): MethodContext {
  const [activationScorer, optimizer] = [activationScorers?.[i], optimizers?.[i]];
  const count =
    (pictureScorer ?? activationScorer ?? optimizer)?.targets ??
    Math.max(layer.activations.dims[0]!, (layer.gradients ?? layer.guided ?? layer.attributions)?.dims[0] ?? 1);
  return { seed, signal, size, pictureScorer, activationScorer, optimizer, convention, params, count };
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

async function finishMaps(
  method: Method,
  layers: readonly LayerTensors[],
  size: InputSize,
  own: RawMaps,
  sums: boolean,
): Promise<MethodMaps> {
  const { definition, params, convention } = method;
  const relu = params.relu as boolean;
  const verdicts = await verdictsOf(own.raw, method, layers);
  const enlarged = await enlargedMaps(own.raw, size, method);
  const { stretchedOnce } = definition;
  const fusion = method.fusion ?? undefined;
  const maps = await FINISH[convention]({ layers: enlarged, size, relu, fusion, stretchedOnce });
  const warnings =
    params.eigenSmooth === true && !sums
      ? [`eigenSmooth takes the place of a sum over channels, which ${definition.name} has none of: it was left out`]
      : [];
  const multiplied = fusion === 'product' && own.raw.length > 1;
  const final = multiplied ? await productVerdicts(maps, verdicts) : verdicts;
  const { raw } = own;
  const unstretched = (n: number) => {
    const of = raw.map(layer => nthMap(layer, n));
    return unstretchedMap(of, size, method);
  };
  return { ...own, maps: cleared(maps, final), unstretched, verdicts: final, warnings };
}

async function verdictsOf(
  raw: readonly Maps[],
  { definition, params }: Omit<Method, 'convention'>,
  layers: readonly LayerTensors[],
): Promise<Verdict[]> {
  const choice = { relu: params.relu as boolean, ofTarget: isOfTarget(definition.needs) };
  const ranges = await Promise.all(raw.map(mapRanges));
  return Array.from({ length: raw[0]!.dims[0] }, (_, n) =>
    judge(
      ranges.map(layer => layer[n]!),
      { ...choice, whyZero: () => whyZero(definition, layers, n) },
    ),
  );
}

/** Of maps that are sound by themselves, and whose product may still be zero. */
async function productVerdicts(product: Maps, verdicts: readonly Verdict[]): Promise<Verdict[]> {
  const ranges = await mapRanges(product);
  return verdicts.map((verdict, n): Verdict => {
    if (verdict.status !== 'ok' || ranges[n]!.max > 0) return verdict;
    const reason =
      'every value is zero: the maps of all layers are multiplied, and where one is positive another is zero (try another `fusion`, or other layers)';
    return { status: 'zero', reason };
  });
}

/** Maps that others are made of: NaN where a value was not finite, so that those are not either. */
export function withUnsound({ maps, verdicts }: MethodMaps): Maps {
  if (verdicts.every(({ status }) => status !== 'not-finite')) return maps;
  const passed = { ...maps, data: maps.data.slice() };
  verdicts.forEach(({ status }, n) => {
    if (status === 'not-finite') nth(passed, n).fill(Number.NaN);
  });
  return passed;
}

/** A map that is not sound is never passed off as a picture: it is all zero. */
function cleared(maps: Maps, verdicts: readonly Verdict[]): Maps {
  verdicts.forEach(({ status }, n) => {
    if (status !== 'ok') nth(maps, n).fill(0);
  });
  return maps;
}
