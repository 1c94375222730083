import type { Tensor, TensorType } from '../../engine/tensor.ts';
import type { ImageInput } from '../find/input.ts';
import type { DeclaredValue } from '../graph/value-info.ts';
import { noiseTensor } from './noise-tensor.ts';

/** Length of axes that nothing is known of: short, and not 1, which looks like broadcasting. */
const OPEN_LENGTH = 8;

/**
 * Tensors that stand in, while a model is looked at, for inputs that come with the call. undefined where one cannot be made
 * up (strings, an unknown rank).
 */
export function placeholders(
  missing: readonly DeclaredValue[],
  { dims: imageDims, height, width }: ImageInput,
  [fallbackWidth, fallbackHeight]: readonly [number, number],
): Readonly<Record<string, Tensor>> | undefined {
  const sizes = new Map<string, number>();
  imageDims.slice(-2).forEach((dim, i) => {
    if (typeof dim === 'string' && dim !== '') sizes.set(dim, [height ?? fallbackHeight, width ?? fallbackWidth][i]!);
  });
  const made: [string, Tensor][] = [];
  for (const { name, type, dims } of missing) {
    if (!type || type === 'string' || !dims) return undefined;
    const shape = dims.map((dim, axis) => {
      if (typeof dim === 'number') return dim;
      return axis === 0 ? 1 : (sizes.get(dim) ?? OPEN_LENGTH);
    });
    made.push([name, noiseTensor(type as TensorType, shape, 1)]);
  }
  return Object.fromEntries(made);
}
