import { OnnxCamError } from '../../common/errors.ts';
import type { Size } from '../../image/geometry.ts';
import type { TechniqueSubject } from '../technique.ts';

/** 1 GiB: a network's own tensors are many times as large as its input. */
const MOST_BYTES = 2 ** 30;

/** Of an input that is to be made of the subject's. @throws `ERR_OUT_OF_MEMORY` for one that takes more than 1 GiB */
export function checkInputSize(
  { tensor, size }: Pick<TechniqueSubject, 'tensor' | 'size'>,
  { width, height }: Size,
): void {
  const bytes = 4 * (tensor.data.length / (size.width * size.height)) * width * height;
  if (bytes <= MOST_BYTES) return;
  throw new OnnxCamError(
    'ERR_OUT_OF_MEMORY',
    `an input of ${width} × ${height} pixels would take ${(bytes / MOST_BYTES).toFixed(1)} GiB, more than the 1 GiB that a technique may make of an image; ` +
      'take smaller factors or sizes, or a smaller image',
  );
}
