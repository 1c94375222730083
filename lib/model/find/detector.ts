import { OnnxCamError } from '../../common/errors.ts';
import type { BoxForm, DetectionFormat, DetectionFormatName } from '../../targets/detection.ts';
import type { FactTable } from '../graph/facts.ts';
import type { Graph } from '../graph/graph.ts';
import { activationBehind, type Columns } from './activation-behind.ts';
import type { ImageInput } from './input.ts';
import { tensorBeforeSuppression } from './suppression.ts';

/** Where a model's outputs hold boxes and the scores of their classes. */
export interface Detector {
  /** The output that the scores belong to. */
  readonly output: string;
  readonly format: DetectionFormatName;
  readonly boxes: Columns;
  readonly boxForm: BoxForm;
  /** One column for each class; of detections one column. */
  readonly scores: Columns;
  /** What the scores are. */
  readonly scale: 'probability' | 'sigmoid' | 'softmax';
  /** Multiplied with the scores of all classes. */
  readonly objectness?: Columns;
  /** Of detections after a suppression: the number of each one's class. Nothing of them can be differentiated. */
  readonly labels?: Columns;
  readonly classes: number;
  /** The class that means "nothing". */
  readonly background?: number;
  readonly input: ImageInput;
  /** Recognised by more than shapes, so that plain class targets may mean it. */
  readonly certain: boolean;
}

/** What is looked into. */
export interface DetectorSource {
  readonly graph: Graph;
  readonly facts: FactTable;
  readonly input: ImageInput;
  /** The output that a target names. */
  readonly output?: string;
  /** Number of labels, where there are some: tells objectness from a class. */
  readonly classNames?: number;
}

/** Classes of detections where neither labels nor a suppression in the graph say how many there are. */
const UNKNOWN_CLASSES = 1000;

/**
 * Finds boxes and scores among a model's outputs, or before the NonMaxSuppression in its graph.
 * @throws `ERR_MODEL_UNSUPPORTED` for a format that the outputs don't have
 */
export function findDetector(source: DetectorSource, format?: DetectionFormat): Detector | undefined {
  const found = format ? ofFormat(source, format.name) : recognise(source);
  if (!found) {
    if (!format) return undefined;
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `no output has the format '${format.name}'; the model's outputs are ${outputsOf(source)
        .map(({ name, dims }) => `${name} [${dims}]`)
        .join(', ')}`,
    );
  }
  const { boxes, background } = format ?? {};
  return {
    ...found,
    ...(boxes && { boxForm: boxes }),
    ...(background !== undefined && { background: background ?? undefined }),
    certain: found.certain || format !== undefined,
  };
}

/** Whether outputs list the detections of all images together, so that those of one are not told apart. */
export function listsDetections(source: DetectorSource): boolean {
  if (!tensorBeforeSuppression(source.graph, source.facts).found) return false;
  const formats: readonly DetectionFormatName[] = ['lists', 'xyxy-score-class', 'batch-xyxy-class-score'];
  return formats.some(format => ofFormat(source, format, true)?.boxes.rowAxis === 0);
}

interface Output {
  readonly name: string;
  readonly dims: readonly number[];
  readonly float: boolean;
}

function outputsOf({ graph, facts }: DetectorSource): Output[] {
  return graph.outputs.flatMap(({ name }) => {
    const known = facts.get(name);
    return known ? [{ name, dims: known.dims, float: known.type.includes('float') }] : [];
  });
}

function recognise(source: DetectorSource): Detector | undefined {
  const suppressed = tensorBeforeSuppression(source.graph, source.facts);
  if (suppressed.raw) return beforeSuppression(source, suppressed.raw);
  const names: readonly DetectionFormatName[] = suppressed.found
    ? ['lists', 'batch-xyxy-class-score', 'batch-class-score-xyxy', 'xyxy-score-class']
    : ['detr', 'ssd', 'yolov8', 'yolov5', 'lists', 'batch-class-score-xyxy'];
  for (const name of names) {
    const found = ofFormat(source, name, true);
    if (found) return { ...found, certain: found.certain || suppressed.found };
  }
  return undefined;
}

/** @param guessed the user has not named it, so that names and numbers of columns have to fit too */
function ofFormat(source: DetectorSource, format: DetectionFormatName, guessed = false): Detector | undefined {
  switch (format) {
    case 'yolov8':
    case 'yolov5':
      return fused(source, format, guessed);
    case 'ssd':
    case 'detr':
      return separate(source, format, guessed);
    case 'lists':
      return lists(source);
    default:
      return matrix(source, format, guessed);
  }
}

/** One output with boxes and scores of all candidates. */
function fused(source: DetectorSource, format: 'yolov8' | 'yolov5', guessed: boolean): Detector | undefined {
  const { graph, facts, input, output, classNames } = source;
  for (const { name, dims, float } of outputsOf(source)) {
    if (!float || dims.length !== 3 || (output !== undefined && name !== output)) continue;
    // There are more candidates than columns.
    const axis = dims[1]! < dims[2]! ? 1 : 2;
    const columns = dims[axis]!;
    if (guessed && format !== fusedFormat(columns, axis, classNames)) continue;
    const first = format === 'yolov5' ? 5 : 4;
    const classes = columns - first;
    if (classes < 1 || (guessed && classNames !== undefined && classes !== classNames)) continue;
    const part = (from: number, length: number): Columns => ({ tensor: name, rowAxis: 3 - axis, axis, from, length });
    const behind = activationBehind(graph, facts, part(4, columns - 4));
    const direct = format === 'yolov8' && behind?.logits;
    return {
      output: name,
      format,
      boxes: part(0, 4),
      boxForm: 'xywh',
      scores: direct || part(first, classes),
      scale: direct || !behind ? (behind?.kind ?? 'sigmoid') : 'probability',
      ...(format === 'yolov5' && { objectness: part(4, 1) }),
      classes,
      input,
      certain: behind?.kind === 'sigmoid',
    };
  }
  return undefined;
}

/** Exports that put the columns first have no objectness, those that put them last have it; labels know better. */
function fusedFormat(columns: number, axis: number, classNames: number | undefined): 'yolov8' | 'yolov5' {
  if (classNames !== undefined) return columns === classNames + 5 ? 'yolov5' : 'yolov8';
  return axis === 1 || columns === 5 ? 'yolov8' : 'yolov5';
}

/** Boxes and scores of all candidates in an output each. */
function separate(source: DetectorSource, format: 'ssd' | 'detr', guessed: boolean): Detector | undefined {
  const { graph, facts, input, output, classNames } = source;
  const outputs = outputsOf(source).filter(({ float }) => float);
  for (const boxes of outputs) {
    const rows = boxRows(boxes.dims);
    if (!rows || (guessed && format === 'detr' && !/pred_boxes/i.test(boxes.name))) continue;
    for (const scores of outputs) {
      if (scores === boxes || scores.dims.length !== 3 || (output !== undefined && scores.name !== output)) continue;
      const axis = scores.dims[1] === rows.count ? 2 : scores.dims[2] === rows.count ? 1 : 0;
      if (axis === 0) continue;
      const classes = scores.dims[axis]!;
      const part: Columns = { tensor: scores.name, rowAxis: 3 - axis, axis, from: 0, length: classes };
      const behind = activationBehind(graph, facts, part);
      const scale = behind && !behind.logits ? 'probability' : (behind?.kind ?? 'sigmoid');
      const background = format === 'ssd' ? 0 : classes - 1;
      return {
        output: scores.name,
        format,
        boxes: { tensor: boxes.name, rowAxis: 1, axis: boxes.dims.length - 1, from: 0, length: 4 },
        boxForm: format === 'detr' ? 'xywh' : 'xyxy',
        scores: behind?.logits ?? part,
        scale,
        classes,
        ...(behind?.kind === 'softmax' && classes > 1 && classes !== classNames && { background }),
        input,
        certain: behind !== undefined || /box/i.test(boxes.name),
      };
    }
  }
  return undefined;
}

/** [N,A,4] or [N,A,1,4]. */
function boxRows(dims: readonly number[]): { count: number } | undefined {
  if (dims.at(-1) !== 4 || (dims.length !== 3 && !(dims.length === 4 && dims[2] === 1))) return undefined;
  return { count: dims[1]! };
}

/** Boxes, scores and class numbers of the detections in an output each, [M,4], [M], [M] or with N before. */
function lists(source: DetectorSource): Detector | undefined {
  const outputs = outputsOf(source);
  const boxes = outputs.find(
    ({ dims, float }) => float && dims.at(-1) === 4 && (dims.length === 2 || dims.length === 3),
  );
  const others = outputs.filter(({ dims }) => boxes && dims.length === boxes.dims.length - 1);
  const labels = others.find(({ name, float }) => !float || /label|class/i.test(name));
  const scores = others.find(one => one.float && one !== labels);
  if (!boxes || !labels || !scores) return undefined;
  const tensorFlow = /detection_boxes/i.test(boxes.name);
  const column = (output: Output): Columns => ({
    tensor: output.name,
    rowAxis: output.dims.length - 1,
    axis: output.dims.length,
    from: 0,
    length: 1,
  });
  return {
    output: scores.name,
    format: 'lists',
    boxes: { tensor: boxes.name, rowAxis: boxes.dims.length - 2, axis: boxes.dims.length - 1, from: 0, length: 4 },
    boxForm: tensorFlow ? 'yxyx' : 'xyxy',
    scores: column(scores),
    scale: 'probability',
    labels: column(labels),
    classes: source.classNames ?? UNKNOWN_CLASSES,
    input: source.input,
    certain: true,
  };
}

/** First columns of box, score and class; number of columns. */
const MATRICES: Readonly<Record<string, readonly [box: number, score: number, label: number, columns: number]>> = {
  'xyxy-score-class': [0, 4, 5, 6],
  'class-score-xyxy': [2, 1, 0, 6],
  'batch-xyxy-class-score': [1, 6, 5, 7],
  'batch-class-score-xyxy': [3, 2, 1, 7],
};

/** The detections in one output [M,C], [N,M,C] or [1,1,M,C]. */
function matrix(source: DetectorSource, format: DetectionFormatName, guessed: boolean): Detector | undefined {
  const [box, score, label, columns] = MATRICES[format]!;
  const found = outputsOf(source).find(
    ({ dims, float }) => float && dims.at(-1) === columns && dims.length >= 2 && dims.length <= 4,
  );
  // Four axes are the mark of the layout that Caffe's DetectionOutput has, image, class and score first.
  if (!found || (guessed && columns === 7 && (found.dims.length === 4) !== (format === 'batch-class-score-xyxy')))
    return undefined;
  const axis = found.dims.length - 1;
  const part = (from: number, length: number): Columns => ({
    tensor: found.name,
    rowAxis: axis - 1,
    axis,
    from,
    length,
  });
  return {
    output: found.name,
    format,
    boxes: part(box, 4),
    boxForm: 'xyxy',
    scores: part(score, 1),
    scale: 'probability',
    labels: part(label, 1),
    classes: source.classNames ?? UNKNOWN_CLASSES,
    input: source.input,
    certain: found.dims.length === 4,
  };
}

function beforeSuppression(
  { graph, facts, input, output }: DetectorSource,
  { boxes, scores, centre }: { readonly boxes: string; readonly scores: string; readonly centre: boolean },
): Detector {
  const classes = facts.get(scores)!.dims[1]!;
  const part: Columns = { tensor: scores, rowAxis: 2, axis: 1, from: 0, length: classes };
  const behind = activationBehind(graph, facts, part);
  const scale = behind && !behind.logits ? 'probability' : (behind?.kind ?? 'probability');
  const yFirst = graph.outputs.some(({ name }) => /detection_boxes/i.test(name));
  return {
    output: output ?? graph.outputs[0]!.name,
    format: 'ssd',
    boxes: { tensor: boxes, rowAxis: 1, axis: 2, from: 0, length: 4 },
    boxForm: centre ? 'xywh' : yFirst ? 'yxyx' : 'xyxy',
    scores: behind?.logits ?? part,
    scale,
    classes,
    input,
    certain: true,
  };
}
