import type { LayerMethod, LayerResult, LayerTensors, MethodContext, ParamSpec } from '../definition.ts';
import { gradCam } from '../grad-cam.ts';
import { gradCamElementwise } from '../grad-cam-elementwise.ts';
import { gradCamPlusPlus } from '../grad-cam-plus-plus.ts';
import { hiResCam } from '../hirescam.ts';
import { layerCam } from '../layer-cam.ts';
import { resolveParams } from '../params.ts';
import { xGradCam } from '../xgrad-cam.ts';

/** Methods that others are built on: those that need the gradients of one layer and nothing else. */
const BASES: ReadonlyMap<string, LayerMethod> = new Map(
  [gradCam, gradCamPlusPlus, hiResCam, gradCamElementwise, xGradCam, layerCam].map(method => [method.name, method]),
);

/** The parameter `base` of a method that builds on another. */
export function baseParam(standard: string): ParamSpec {
  return {
    type: 'string',
    values: [...BASES.keys()],
    default: standard,
    description: 'the method that makes the map of each layer',
  };
}

/** What the method named in `params.base` makes of a layer; its own parameters are the convention's. */
export function computeBase(layer: LayerTensors, context: MethodContext): Promise<LayerResult> {
  const base = BASES.get(context.params.base as string)!;
  return base.compute(layer, { ...context, params: resolveParams(base, {}, context.convention) });
}
