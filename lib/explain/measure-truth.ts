import type { TruthAtInput } from '../metrics/truth-at-input.ts';
import { classOf } from '../truth/class-of.ts';
import type { PictureTruth } from '../truth/truth.ts';
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
  const { labels } = headSetting(stage.setting, stage.network, target);
  const truth = await known.at(image.placement.picture, label => classOf(label, labels) === index);
  return truth && truthAtInput(truth, image.placement, known.from);
}
