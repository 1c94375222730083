import { isFloat32Array } from '../common/kinds.ts';
import type { ImageSource, TensorInput } from '../image/source.ts';
import type { Target } from '../targets/target.ts';

/** The pictures that a target compares with, each once. */
export function similarImages(target: Target): (ImageSource | TensorInput)[] {
  switch (target.kind) {
    case 'similarity':
      return isFloat32Array(target.to) ? [] : [target.to.image];
    case 'output':
    case 'view':
      return similarImages(target.of);
    case 'weighted':
      return [...new Set(target.terms.flatMap(([part]) => similarImages(part)))];
    default:
      return [];
  }
}

/** The target with vectors in the place of pictures. */
export function withEmbeddings(target: Target, embed: (image: ImageSource | TensorInput) => Float32Array): Target {
  switch (target.kind) {
    case 'similarity':
      return isFloat32Array(target.to) ? target : { ...target, to: embed(target.to.image) };
    case 'output':
    case 'view':
      return { ...target, of: withEmbeddings(target.of, embed) };
    case 'weighted':
      return { ...target, terms: target.terms.map(([part, weight]) => [withEmbeddings(part, embed), weight] as const) };
    default:
      return target;
  }
}
