import { OnnxCamError } from '../common/errors.ts';
import { shown } from '../common/shown.ts';

/** A box of a picture: left, top, width, height in its pixels; pixel (x, y) covers [x, x + 1) × [y, y + 1). */
export type Box = readonly [x: number, y: number, width: number, height: number];

/** How the four numbers of a box are written: corners, or centre and size. */
export type BoxForm = 'xyxy' | 'yxyx' | 'xywh';

/**
 * How a detector writes its outputs. Candidates before any suppression:
 * - `yolov8`: one output [N,4+K,A] (or [N,A,4+K]): centre and size, a confidence for each class
 * - `yolov5`: one output [N,A,5+K] (or [N,5+K,A]): centre and size, objectness, confidences of the classes
 * - `ssd`: two outputs, boxes [N,A,4] by their corners and scores [N,A,K] (or [N,K,A])
 * - `detr`: the same with centre and size
 *
 * Detections after a suppression in the graph, of one image in rows [M,…] or of several [N,M,…]:
 * - `lists`: an output each for boxes [M,4] by their corners, scores [M] and class numbers [M]
 * - `xyxy-score-class`, `class-score-xyxy`, `batch-xyxy-class-score`, `batch-class-score-xyxy`: one output with these
 *   columns
 */
export const DETECTION_FORMATS = [
  'yolov8',
  'yolov5',
  'ssd',
  'detr',
  'lists',
  'xyxy-score-class',
  'class-score-xyxy',
  'batch-xyxy-class-score',
  'batch-class-score-xyxy',
] as const;

/**
 * How a detector writes its outputs, by name: candidates ('yolov8', 'yolov5', 'ssd', 'detr'), or detections after a
 * suppression.
 * @useDeclaredType
 */
export type DetectionFormatName = (typeof DETECTION_FORMATS)[number];

/** A format whose details differ from the usual ones. */
export interface DetectionFormat {
  /** Whose details these are. */
  readonly name: DetectionFormatName;
  /** Default: as the format's name says. */
  readonly boxes?: BoxForm | undefined;
  /** The class that means "nothing", which is never the best one; `null` for none. Default: 0 of `ssd` heads with Softmax, the last of `detr` heads with Softmax. */
  readonly background?: number | null | undefined;
}

/** What a detection target reads of a head. */
export interface DetectionReadout {
  /** Always this. */
  readonly kind: 'detection';
  /** In the picture's pixels, or once it has met an image in those of the input; without it the best candidate counts. */
  readonly box?: Box | undefined;
  /** Intersection over union from which a candidate belongs to the box. */
  readonly iou: number;
  /** Where the outputs' format was named. */
  readonly format?: DetectionFormat | undefined;
  /** Sums of confidences obj·cls, or of their log-odds. */
  readonly value: 'logit' | 'confidence';
}

/** Options of `detection`. */
export interface DetectionOptions {
  /** Default: the best class, among those of the candidates that belong to the box. */
  readonly classIndex?: number | undefined;
  /** [x, y, width, height] in the pixels of the original picture (of a tensor: of itself), as those of the map. */
  readonly box?: Box | undefined;
  /** Intersection over union from which candidates belong to the box, in (0, 1]; default 0.5. */
  readonly iou?: number | undefined;
  /** Default: recognised from the outputs' shapes and names. */
  readonly format?: DetectionFormatName | DetectionFormat | undefined;
}

/** @throws `ERR_OPTION_INVALID` */
export function parseDetection(options: DetectionOptions): DetectionReadout {
  const { box, iou = 0.5, format } = options;
  if (box !== undefined && !isBox(box))
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      `\`box\` is [x, y, width, height] in the picture's pixels, with a positive size, not ${shown(box)}`,
    );
  if (!(iou > 0 && iou <= 1))
    throw new OnnxCamError('ERR_OPTION_INVALID', `\`iou\` is above 0 and at most 1, not ${iou}`);
  return {
    kind: 'detection',
    ...(box && { box: [...box] }),
    iou,
    ...(format !== undefined && { format: parseFormat(format) }),
    value: 'confidence',
  };
}

/**
 * What the option `detector` says: false for a model without detections, or a format.
 * @throws `ERR_OPTION_INVALID`
 */
export function parseDetectorOption(
  detector: false | DetectionFormatName | DetectionFormat | undefined,
): false | DetectionFormat | undefined {
  return detector === false || detector === undefined ? detector : parseFormat(detector, '`detector` is false, or');
}

function parseFormat(format: DetectionFormatName | DetectionFormat, is = '`format` is'): DetectionFormat {
  const given = typeof format === 'string' ? { name: format } : format;
  const { name, boxes, background } = given ?? {};
  const known =
    DETECTION_FORMATS.includes(name) &&
    (boxes === undefined || ['xyxy', 'yxyx', 'xywh'].includes(boxes)) &&
    (background === undefined || background === null || (Number.isInteger(background) && background >= 0));
  if (known) return given;
  throw new OnnxCamError(
    'ERR_OPTION_INVALID',
    `${is} one of ${DETECTION_FORMATS.join(', ')}, or { name, boxes, background } with boxes 'xyxy', 'yxyx' or ` +
      `'xywh' and the number of the background class, not ${shown(format)}`,
  );
}

function isBox(box: Box): boolean {
  return Array.isArray(box) && box.length === 4 && box.every(Number.isFinite) && box[2] > 0 && box[3] > 0;
}
