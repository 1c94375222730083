import sax from 'sax';
import type { Size } from '../image/geometry.ts';
import type { Box } from '../targets/detection.ts';
import { invalidTruth } from './error.ts';
import { checkBox, MarkedPicture } from './marked-picture.ts';

const EDGES = ['xmin', 'ymin', 'xmax', 'ymax'] as const;
const BOX = 'annotation/object/bndbox/';
/** Characters of a value; what is longer is none of ours. */
const LONGEST = 1000;

/**
 * The objects of a file of PASCAL VOC. Pixels are counted from 1 there, and `xmax` is the last one inside; parts of objects
 * (heads, hands) are left out. Entities but those of XML itself are refused.
 * @throws `ERR_TRUTH_INVALID` with file and line
 */
export function readVoc(text: string, path: string): MarkedPicture {
  const parser = sax.parser(true, { trim: true });
  const place = () => `${path}:${parser.line + 1}`;
  const open: string[] = [];
  const values = new Map<string, string>();
  const objects: { label?: string; box: Box }[] = [];
  let size: Size | undefined;
  const number = (key: string): number => {
    const value = values.get(key);
    const parsed = value === undefined || value === '' ? Number.NaN : Number(value);
    if (!Number.isFinite(parsed)) throw invalidTruth(place(), `\`${key.split('/').at(-1)}\` is no number`);
    return parsed;
  };
  parser.onerror = cause => {
    throw invalidTruth(place(), `it is no XML that can be read: ${cause.message.split('\n')[0]}`, cause);
  };
  parser.onopentag = ({ name }) => {
    open.push(name);
    if (open.length === 1 && name !== 'annotation')
      throw invalidTruth(place(), `expected VOC's <annotation>, not <${name.slice(0, 80)}>`);
  };
  const onText = (part: string) => {
    // The path of a deep element would be built again for each of its texts.
    if (open.length > 4) return;
    const key = open.join('/');
    values.set(key, ((values.get(key) ?? '') + part).slice(0, LONGEST));
  };
  parser.ontext = onText;
  parser.oncdata = onText;
  parser.onclosetag = () => {
    const closed = open.length > 4 ? '' : open.join('/');
    open.pop();
    if (closed === 'annotation/size') {
      size = { width: number('annotation/size/width'), height: number('annotation/size/height') };
    } else if (closed === 'annotation/object') {
      const [xmin, ymin, xmax, ymax] = EDGES.map(edge => number(BOX + edge)) as [number, number, number, number];
      // Some files count from 0.
      const [x, y] = [Math.max(0, xmin - 1), Math.max(0, ymin - 1)];
      const box = checkBox([x, y, xmax - x, ymax - y], place());
      objects.push({ label: values.get('annotation/object/name'), box });
      for (const key of values.keys()) if (key.startsWith('annotation/object')) values.delete(key);
    }
  };
  parser.write(text).close();
  // ImageNet's files say 0x0 where nobody knew.
  const picture = new MarkedPicture(path, size && size.width > 0 && size.height > 0 ? size : undefined);
  for (const object of objects) picture.objects.push(object);
  return picture;
}
