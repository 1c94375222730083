import type { PixelVariant } from '../../scoring/pixel-variants.ts';
import type { MetricCase } from '../definition.ts';

/** E = x ⊙ S; OpenVINO multiplies the picture before it is normalised, so that what is hidden turns black. */
export function maskedInput({ map, convention }: MetricCase): Promise<Float32Array> {
  return convention === 'openvino' ? map.maskedOnBlack() : map.masked();
}

/** O = f(E). */
export async function maskedVariant(asked: MetricCase): Promise<PixelVariant[]> {
  return [{ from: await maskedInput(asked) }];
}

/** O = f(x ⊙ S) of metrics that no convention reads otherwise. */
export async function multipliedVariant({ map }: MetricCase): Promise<PixelVariant[]> {
  return [{ from: await map.masked() }];
}
