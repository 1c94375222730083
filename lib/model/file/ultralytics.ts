import { checkPreprocess } from '../../image/preprocess-options.ts';
import { metadataNames } from '../find/class-names.ts';
import type { Source } from './hugging-face.ts';

/**
 * What Ultralytics writes into a model's metadata: `names`, `imgsz` ([height, width]), `stride`, `task`. Its networks take
 * 0..1; classifiers the middle of a picture, all others the whole of it in a letterbox.
 */
export function readUltralytics(metadata: ReadonlyMap<string, string>): Source | undefined {
  const isItsOwn = /ultralytics/i.test(`${metadata.get('author')} ${metadata.get('description')}`);
  if (!isItsOwn && !(metadata.has('imgsz') && metadata.has('stride'))) return undefined;
  const [height, width = height] = (metadata.get('imgsz')?.match(/\d+/g) ?? []).map(Number);
  const size = height && width ? ([width, height] as const) : undefined;
  const how =
    metadata.get('task') === 'classify' ? ({ preset: 'unit', fit: 'crop' } as const) : checkPreprocess('yolo');
  return {
    from: "the model's metadata (Ultralytics)",
    preprocess: { ...how, ...(size && { size }) },
    labels: metadataNames(metadata),
  };
}
