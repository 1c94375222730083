import { isRecord } from '../common/checks.ts';
import { CURVED } from '../evaluation/curves.ts';
import { MAP_STATUSES } from '../result/status.ts';
import type { EvaluatedMapLine, EvaluatedPicture } from './evaluated-image.ts';
import { fromHalf } from './half.ts';
import type { SmallCurve, SmallMap, SmallPicture } from './payload.ts';
import { type Check, fields, isCount, isFlag, isIndex, isListOf, isNumber, isText, oneOf, orNull } from './shapes.ts';

// Lines of pictures.jsonl may come from anybody: what does not hold what this library writes is none.

const isSide =
  (most: number): Check =>
  value =>
    isCount(value) && value !== 0 && (value as number) <= most;

/** Pixels of a side: of originals, of small pictures, of small maps. */
const ORIGINAL = 2 ** 24;
const PICTURE = 4096;
const MAP = 1024;
const MOST_POINTS = 1024;

const isBase64: Check = value =>
  typeof value === 'string' && value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value);

const isPicture = fields({
  type: oneOf('image/webp', 'image/jpeg', 'image/png'),
  data: isBase64,
  width: isSide(PICTURE),
  height: isSide(PICTURE),
} satisfies Record<keyof SmallPicture, Check>);

const isAxis = fields({ scale: isNumber, offset: isNumber });
const isShare: Check = value => isNumber(value) && (value as number) >= 0 && (value as number) <= 1;

const hasMapFields = fields({
  width: isSide(MAP),
  height: isSide(MAP),
  type: oneOf('float16', 'uint8'),
  data: isBase64,
  x: isAxis,
  y: isAxis,
  shown: isListOf(isShare, 4),
} satisfies Record<keyof SmallMap, Check>);

const isMap: Check = value => {
  if (!hasMapFields(value)) return false;
  const { width, height, type, data } = value as SmallMap;
  if (type === 'uint8') return bytesOf(data).length === width * height;
  const halves = halvesOf(data);
  return halves?.length === width * height && fromHalf(halves).every(isShare);
};

const isCurve: Check = value => {
  if (!fields({ x: isBase64, y: isBase64 })(value)) return false;
  const [x, y] = [(value as SmallCurve).x, (value as SmallCurve).y].map(halvesOf);
  if (!x || !y || x.length !== y.length || x.length > MOST_POINTS) return false;
  const isNumeric = (half: number) => (half & 0x7c00) !== 0x7c00;
  return x.every(isNumeric) && y.every(isNumeric);
};

const isCurves: Check = value =>
  isRecord(value) && Object.entries(value).every(([metric, curve]) => CURVED.has(metric) && isCurve(curve));

const isClass = { index: isIndex, label: orNull(isText), probability: orNull(isNumber) };

const isMapLine = fields({
  method: isText,
  layer: isText,
  convention: isText,
  params: isText,
  target: fields({ ...isClass, score: orNull(isNumber), kind: isText }),
  status: oneOf(...MAP_STATUSES),
  reason: orNull(isText),
  warnings: isListOf(isText),
  layers: isText,
  map: orNull(isMap),
  curves: isCurves,
} satisfies Record<keyof EvaluatedMapLine, Check>);

const isLine = fields({
  name: isText,
  index: isCount,
  size: orNull(fields({ width: isSide(ORIGINAL), height: isSide(ORIGINAL) })),
  picture: orNull(isPicture),
  predictions: isListOf(fields(isClass)),
  correct: orNull(isFlag),
  error: orNull(fields({ code: isText, message: isText })),
  maps: isListOf(isMapLine),
} satisfies Record<keyof EvaluatedPicture, Check>);

/** Nothing where the text is no line of an image. */
export function parseEvaluated(text: string): EvaluatedPicture | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isLine(value) ? (value as EvaluatedPicture) : undefined;
  } catch {
    return undefined;
  }
}

const bytesOf = (base64: string): Uint8Array => Buffer.from(base64, 'base64');

function halvesOf(base64: string): Uint16Array | undefined {
  const bytes = Uint8Array.from(bytesOf(base64));
  return bytes.length % 2 === 0 ? new Uint16Array(bytes.buffer) : undefined;
}
