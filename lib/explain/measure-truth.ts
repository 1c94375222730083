import type { TruthAtInput } from '../metrics/truth-at-input.ts';
import type { PictureTruth, TruthLabel } from '../truth/truth.ts';
import { truthAtInput } from '../truth/truth-at-input.ts';
import { headSetting } from './head-setting.ts';
import type { MeasuredImage } from './measured-image.ts';

/** Where the object of the image's class is; undefined where nobody says. @throws `ERR_TRUTH_INVALID` */
export async function truthAt(
  known: PictureTruth | undefined,
  { image, stage, target, row }: MeasuredImage,
): Promise<TruthAtInput | undefined> {
  if (!known) return undefined;
  const index = row.classOf(target.terms[0]!.index);
  const name = headSetting(stage.setting, stage.network, target).labels?.names[index];
  const isWanted = (label: TruthLabel) => (typeof label === 'number' ? label === index : namesClass(label, name));
  const truth = await known.at(image.placement.picture, isWanted);
  return truth && truthAtInput(truth, image.placement, known.from);
}

/** A label, or one of its comma-separated synonyms, without regard to case. */
export function namesClass(label: string, name: string | undefined): boolean {
  const wanted = label.trim().toLowerCase();
  const names = name?.toLowerCase().split(',') ?? [];
  return name?.toLowerCase() === wanted || names.some(one => one.trim() === wanted);
}
