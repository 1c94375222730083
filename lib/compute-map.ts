import { checkNames, checkObject, checkOneOf, checkSeed } from './common/checks.ts';
import { OnnxCamError } from './common/errors.ts';
import { isFloat32Array } from './common/kinds.ts';
import { elementCount } from './engine/tensor.ts';
import type { FeatureMaps } from './kernels/features.ts';
import { resize } from './kernels/index.ts';
import { steady } from './kernels/native-kernels.ts';
import { applyMethod } from './maps/apply-method.ts';
import { rawMapOf } from './maps/raw-map.ts';
import { nth } from './maps/unstretched.ts';
import { chooseConvention } from './methods/choose.ts';
import type { Convention, LayerTensors, MethodDefinition, MethodNeeds } from './methods/definition.ts';
import { CONVENTIONS, needsOf } from './methods/definition.ts';
import { resolveParams } from './methods/params.ts';
import { findMethod } from './methods/registry.ts';
import type { HeatMap, RawMap } from './result/explanation-fields.ts';
import type { MapStatus } from './result/status.ts';
import { GivenScores } from './scoring/given-scores.ts';

/** A float tensor with dims [C, h, w] or [N, C, h, w]. */
export interface MapTensor {
  /** Row-major. */
  readonly data: Float32Array;
  /** [C, h, w] or [N, C, h, w]. */
  readonly dims: readonly number[];
}

/** What `computeMap` makes a map of; each method says which of them it needs. */
export interface MapTensors {
  /** A: the feature maps of a layer. */
  readonly activations: MapTensor;
  /** ∂score/∂A, of the same shape. */
  readonly gradients?: MapTensor | undefined;
  /**
   * Of the activations' shape: the layer's relevance (Relevance-CAM), or what its elements contribute to the score against
   * a layer of zeros, multiplier times A (LIFT-CAM). captum's `attribute` gives either.
   */
  readonly attributions?: MapTensor | undefined;
  /** The classifier's row of the target, [C] or [N, C] (CAM). */
  readonly weights?: Float32Array | MapTensor | undefined;
  /**
   * The target's score of each channel's run, [C] or [N, C] (score methods). Ablation-CAM compares with the unchanged
   * image: its score follows the channels', [C + 1].
   */
  readonly scores?: Float32Array | MapTensor | undefined;
}

/** Options of `computeMap`. */
export interface ComputeMapOptions {
  /** Whose formula and post-processing (default 'paper'). */
  readonly convention?: Convention | undefined;
  /** The method's parameters (default: the convention's). */
  readonly params?: Readonly<Record<string, unknown>> | undefined;
  /** Size of the resulting map (default: the tensors' own). */
  readonly size?: readonly [width: number, height: number] | undefined;
  /** Seed of everything random (default 0). */
  readonly seed?: number | undefined;
}

/** What `computeMap` gives for one image. */
export interface ComputedMap {
  /** In [0, 1]. */
  readonly map: HeatMap;
  /** Before the outermost ReLU, normalisation and resizing. */
  readonly raw: RawMap;
  /** 'ok', or what is wrong with the map. */
  readonly status: MapStatus;
  /** Why, and what to try; null when it is ok. */
  readonly reason: string | null;
}

/**
 * A method's formula on tensors from somewhere else. One result for [C, h, w] or N = 1, an array for N > 1.
 * @throws `ERR_METHOD_UNKNOWN`, `ERR_OPTION_INVALID`; `ERR_INPUT_SHAPE` for tensors that don't fit together;
 * `ERR_METHOD_UNSUPPORTED` when the method needs a tensor that wasn't given, or more than tensors.
 */
export async function computeMap(
  method: string,
  tensors: MapTensors,
  options: ComputeMapOptions = {},
): Promise<ComputedMap | ComputedMap[]> {
  checkObject(options, 'computeMap');
  checkNames(options, ['convention', 'params', 'size', 'seed'], 'computeMap');
  checkSeed(options.seed);
  checkOneOf('convention', options.convention, CONVENTIONS);
  const definition = findMethod(method);
  if (definition.needs.attention || definition.needs.scores?.includes('block'))
    throw new OnnxCamError(
      'ERR_METHOD_UNSUPPORTED',
      `${definition.name} works on the blocks of a transformer, not on feature maps; use explain`,
    );
  if (!tensors?.activations)
    throw new OnnxCamError('ERR_INPUT_SHAPE', 'computeMap needs `activations` ({ data, dims })');
  const { convention } = chooseConvention(definition, options.convention);
  const params = resolveParams(definition, options.params ?? {}, convention);
  const layer = checkTensors(definition, needsOf(definition, params), tensors);
  const [, , height, width] = layer.activations.dims as [number, number, number, number];
  const size = checkSize(options.size) ?? { width, height };

  const chosen = { definition, params, convention, fusion: null };
  const seed = options.seed ?? 0;
  if (needsOf(definition, params).scores) {
    const perImage = splitImages(layer, scoresOf(definition, tensors.scores));
    const results: ComputedMap[] = [];
    for (const { image, scores } of perImage) {
      const scorer = new GivenScores(scores, image.activations, size);
      results.push(
        ...(await computedMaps(chosen, image, size, { seed, pictureScorer: scorer, activationScorers: [scorer] })),
      );
    }
    return results.length === 1 ? results[0]! : results;
  }
  const results = await computedMaps(chosen, layer, size, { seed });
  return results.length === 1 ? results[0]! : results;
}

async function computedMaps(
  chosen: Parameters<typeof applyMethod>[0],
  layer: LayerTensors,
  size: { width: number; height: number },
  context: Parameters<typeof applyMethod>[3],
): Promise<ComputedMap[]> {
  const computed = await applyMethod(chosen, [layer], size, context);
  const { maps, verdicts } = computed;
  const sized = await resize(maps, { ...size, interpolation: 'bilinear' });
  const results = verdicts.map(async ({ status, reason }, n) => ({
    map: { data: nth(sized, n).slice(), ...size },
    raw: await rawMapOf(computed, n),
    status,
    reason,
  }));
  return Promise.all(results);
}

/** The images of a batch, each with its scores. */
function splitImages(
  { activations, gradients }: LayerTensors,
  scores: Float32Array,
): { image: LayerTensors; scores: Float32Array }[] {
  const count = activations.dims[0]!;
  if (scores.length % count !== 0)
    throw new OnnxCamError('ERR_INPUT_SHAPE', `${scores.length} scores cannot be shared out among ${count} images`);
  const nthImage = ({ data, dims }: FeatureMaps, n: number): FeatureMaps => {
    const size = data.length / count;
    return { data: data.subarray(n * size, (n + 1) * size), dims: [1, ...dims.slice(1)] };
  };
  const own = scores.length / count;
  return Array.from({ length: count }, (_, n) => ({
    image: { activations: nthImage(activations, n), gradients: gradients && nthImage(gradients, n) },
    scores: scores.subarray(n * own, (n + 1) * own),
  }));
}

function scoresOf({ name }: MethodDefinition, scores: MapTensors['scores']): Float32Array {
  const values = isFloat32Array(scores) ? scores : scores?.data;
  if (isFloat32Array(values)) return values;
  throw new OnnxCamError(
    'ERR_METHOD_UNSUPPORTED',
    `${name} needs \`scores\` (Float32Array, one value per channel run), which was not given`,
  );
}

function checkTensors(
  definition: MethodDefinition,
  needs: MethodNeeds,
  { activations, gradients, attributions, weights }: MapTensors,
): LayerTensors {
  const a = featureMaps('activations', activations);
  const need = (name: string): never => {
    throw new OnnxCamError('ERR_METHOD_UNSUPPORTED', `${definition.name} needs \`${name}\`, which was not given`);
  };
  if (needs.gradients && !gradients) need('gradients');
  if (needs.attributions && !attributions) need('attributions');
  if (definition.scope === 'graph' && definition.reads === 'biased')
    throw new OnnxCamError(
      'ERR_METHOD_UNSUPPORTED',
      `${definition.name} needs every layer with a bias, computeMap takes one layer: explain the model itself`,
    );
  if (needs.guided)
    throw new OnnxCamError(
      'ERR_METHOD_UNSUPPORTED',
      `${definition.name} needs gradients by guided backpropagation, which computeMap does not take: explain the model itself`,
    );
  if (needs.optimizer)
    throw new OnnxCamError(
      'ERR_METHOD_UNSUPPORTED',
      `${definition.name} runs the network at every step, which computeMap has none of: explain the model itself`,
    );
  if (needs.gradients === 'second')
    throw new OnnxCamError(
      'ERR_METHOD_UNSUPPORTED',
      `${definition.name} needs second derivatives, which computeMap does not take: explain the model itself`,
    );
  if (needs.classifier === true && !weights) need('weights');
  const likeActivations = (name: string, tensor: MapTensor | undefined): FeatureMaps | undefined => {
    const maps = tensor && featureMaps(name, tensor);
    if (maps?.dims.some((dim, axis) => dim !== a.dims[axis]))
      throw new OnnxCamError('ERR_INPUT_SHAPE', `${name} [${maps.dims}] and activations [${a.dims}] differ in shape`);
    return maps;
  };
  const given = isFloat32Array(weights) ? weights : weights?.data;
  const classifier = given && steady(given);
  if (classifier && classifier.length !== a.dims[0]! * a.dims[1]!)
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `weights hold ${classifier.length} values; expected one for each of ${a.dims[0]} × ${a.dims[1]} channels`,
    );
  return {
    activations: a,
    gradients: likeActivations('gradients', gradients),
    attributions: likeActivations('attributions', attributions),
    classifier,
  };
}

function featureMaps(name: string, { data, dims }: MapTensor): FeatureMaps {
  if (!isFloat32Array(data) || !Array.isArray(dims) || (dims.length !== 3 && dims.length !== 4))
    throw new OnnxCamError('ERR_INPUT_SHAPE', `${name} must be { data: Float32Array, dims: [C,h,w] or [N,C,h,w] }`);
  if (dims.some(dim => !Number.isInteger(dim) || dim < 1) || elementCount(dims) !== data.length)
    throw new OnnxCamError('ERR_INPUT_SHAPE', `${name}: dims [${dims}] don't fit ${data.length} values`);
  return { data: steady(data), dims: dims.length === 3 ? [1, ...dims] : dims };
}

function checkSize(size: ComputeMapOptions['size']): { width: number; height: number } | undefined {
  if (size === undefined) return undefined;
  const [width, height] = Array.isArray(size) ? (size as [number, number]) : [0, 0];
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1)
    throw new OnnxCamError('ERR_OPTION_INVALID', `\`size\` is [width, height] in whole pixels, not [${size}]`);
  return { width, height };
}
