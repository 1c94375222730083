import { elementCount } from './engine/tensor.ts';
import { OnnxCamError } from './errors.ts';
import { methodMaps, nth } from './explain/method-maps.ts';
import { chooseConvention } from './explain/methods.ts';
import type { MapStatus } from './explain/status.ts';
import type { HeatMap, RawMap } from './explanation.ts';
import { resize } from './kernels/index.ts';
import type { Convention, FeatureMaps, LayerTensors, MethodDefinition } from './methods/definition.ts';
import { CONVENTIONS } from './methods/definition.ts';
import { resolveParams } from './methods/params.ts';
import { findMethod } from './methods/registry.ts';
import { checkNames, checkOneOf } from './options.ts';

/** A float tensor with dims [C, h, w] or [N, C, h, w]. */
export interface MapTensor {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

export interface MapTensors {
  readonly activations: MapTensor;
  /** ∂score/∂A, of the same shape. */
  readonly gradients?: MapTensor;
  /** The classifier's row of the target, [C] or [N, C] (CAM). */
  readonly weights?: Float32Array | MapTensor;
}

export interface ComputeMapOptions {
  readonly convention?: Convention;
  readonly params?: Readonly<Record<string, unknown>>;
  /** Size of the resulting map (default: the tensors' own). */
  readonly size?: readonly [width: number, height: number];
  readonly seed?: number;
}

export interface ComputedMap {
  readonly map: HeatMap;
  readonly raw: RawMap;
  readonly status: MapStatus;
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
  checkNames(options, ['convention', 'params', 'size', 'seed'], 'computeMap');
  checkOneOf('convention', options.convention, CONVENTIONS);
  const definition = findMethod(method);
  const params = resolveParams(definition, options.params ?? {});
  const { convention } = chooseConvention(definition, options.convention);
  const layer = checkTensors(definition, tensors);
  const [, , height, width] = layer.activations.dims as [number, number, number, number];
  const size = checkSize(options.size) ?? { width, height };

  const { raw, maps, verdicts } = await methodMaps({ definition, params, convention }, [layer], size, {
    seed: options.seed ?? 0,
  });
  const sized = await resize(maps, { ...size, interpolation: 'bilinear' });
  const results = verdicts.map(({ status, reason }, n) => ({
    map: { data: nth(sized, n).slice(), ...size },
    raw: { data: nth(raw[0]!, n).slice(), dims: [height, width], width, height },
    status,
    reason,
  }));
  return results.length === 1 ? results[0]! : results;
}

function checkTensors(definition: MethodDefinition, { activations, gradients, weights }: MapTensors): LayerTensors {
  if (!activations) throw new OnnxCamError('ERR_INPUT_SHAPE', 'computeMap needs `activations` ({ data, dims })');
  const a = featureMaps('activations', activations);
  const need = (name: string): never => {
    throw new OnnxCamError('ERR_METHOD_UNSUPPORTED', `${definition.name} needs \`${name}\`, which was not given`);
  };
  if (definition.needs.gradients && !gradients) need('gradients');
  if (definition.needs.classifier && !weights) need('weights');
  const g = gradients && featureMaps('gradients', gradients);
  if (g && g.dims.some((dim, axis) => dim !== a.dims[axis]))
    throw new OnnxCamError('ERR_INPUT_SHAPE', `gradients [${g.dims}] and activations [${a.dims}] differ in shape`);
  const classifier = weights instanceof Float32Array ? weights : weights?.data;
  if (classifier && classifier.length !== a.dims[0]! * a.dims[1]!)
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `weights hold ${classifier.length} values; expected one for each of ${a.dims[0]} × ${a.dims[1]} channels`,
    );
  return { activations: a, gradients: g, classifier };
}

function featureMaps(name: string, { data, dims }: MapTensor): FeatureMaps {
  if (!(data instanceof Float32Array) || !Array.isArray(dims) || (dims.length !== 3 && dims.length !== 4))
    throw new OnnxCamError('ERR_INPUT_SHAPE', `${name} must be { data: Float32Array, dims: [C,h,w] or [N,C,h,w] }`);
  if (dims.some(dim => !Number.isInteger(dim) || dim < 1) || elementCount(dims) !== data.length)
    throw new OnnxCamError('ERR_INPUT_SHAPE', `${name}: dims [${dims}] don't fit ${data.length} values`);
  return { data, dims: dims.length === 3 ? [1, ...dims] : dims };
}

function checkSize(size: ComputeMapOptions['size']): { width: number; height: number } | undefined {
  if (size === undefined) return undefined;
  const [width, height] = size;
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1)
    throw new OnnxCamError('ERR_OPTION_INVALID', `\`size\` is [width, height] in whole pixels, not [${size}]`);
  return { width, height };
}
