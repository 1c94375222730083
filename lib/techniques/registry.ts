import { OnnxCamError } from '../common/errors.ts';
import { NameTable, spellingsOf } from '../common/name-table.ts';
import { didYouMean } from '../common/suggest.ts';
import { augmentation } from './augmentation.ts';
import { augmentedGradCam } from './augmented-grad-cam.ts';
import { cameras } from './cameras.ts';
import { jitterCam } from './jitter-cam.ts';
import { multiScale } from './multi-scale.ts';
import { sess } from './sess.ts';
import { smoothGrad } from './smooth-grad.ts';
import type { TechniqueDefinition } from './technique.ts';

/** Every technique, in the order they are listed. A new one is its file and one line here. */
export const TECHNIQUES: readonly TechniqueDefinition[] = [
  smoothGrad,
  augmentation,
  multiScale,
  sess,
  cameras,
  jitterCam,
  augmentedGradCam,
];

/** The further spellings of a technique. */
export function aliasesOf(technique: TechniqueDefinition): string[] {
  return [...new Set(spellingsOf(technique))].filter(name => name !== technique.name);
}

const table = new NameTable(
  TECHNIQUES.flatMap(technique => [technique.name, ...aliasesOf(technique)].map(name => [name, technique] as const)),
);

/**
 * A technique by name or alias, without regard to case, underscores or spaces.
 * @throws `ERR_OPTION_INVALID` with the nearest names
 */
export function findTechnique(name: string): TechniqueDefinition {
  const found = table.find(name);
  if (found) return found;
  const known = TECHNIQUES.map(technique => technique.name);
  throw new OnnxCamError(
    'ERR_OPTION_INVALID',
    `there is no technique '${name}'${didYouMean(String(name).toLowerCase(), known)}; known: ${known.join(', ')}`,
  );
}
