import type { DetectionFormatName } from '../../targets/detection.ts';
import { dependentTensors } from '../graph/data-flow.ts';
import type { GraphNode } from '../graph/graph.ts';
import type { Columns } from './activation-behind.ts';
import { ALIASES, areScores, type Detector, type DetectorSource, type Output, outputsOf } from './detector-source.ts';
import { listsChosen } from './suppression.ts';

/** Classes of detections where neither labels nor a suppression in the graph say how many there are. */
const UNKNOWN_CLASSES = 1000;

/**
 * Boxes, scores and class numbers of the detections in an output each, [M,4], [M], [M] or with N before; or, as MMDeploy
 * writes them, the score behind the box ([M,5], turned ones [M,6] with an angle between) and the numbers in another output.
 */
export function lists(source: DetectorSource, guessed: boolean): Detector | undefined {
  return separateLists(source, guessed) ?? scoredBoxes(source);
}

/** Some columns of an output of rows. */
function columnsOf({ name, dims }: Output): (from: number, length: number) => Columns {
  const axis = dims.length - 1;
  return (from, length) => ({ tensor: name, rowAxis: axis - 1, axis, from, length });
}

function scoredBoxes(source: DetectorSource): Detector | undefined {
  const outputs = outputsOf(source);
  for (const rows of outputs) {
    const columns = rows.dims.at(-1)!;
    if (!rows.float || (columns !== 5 && columns !== 6) || (rows.dims.length !== 2 && rows.dims.length !== 3)) continue;
    const labels = outputs.find(one => !one.float && one.dims.length === rows.dims.length - 1);
    if (!labels || labels.dims.at(-1) !== rows.dims.at(-2)) continue;
    const axis = rows.dims.length - 1;
    const part = columnsOf(rows);
    return {
      output: rows.name,
      format: 'lists',
      boxes: part(0, 4),
      boxForm: columns === 5 ? 'xyxy' : 'xywh',
      scores: part(columns - 1, 1),
      scale: 'probability',
      labels: { tensor: labels.name, rowAxis: axis - 1, axis, from: 0, length: 1 },
      classes: source.classNames ?? UNKNOWN_CLASSES,
      input: source.input,
      certain: /^dets?$|box|detect/i.test(rows.name) || joinsColumns(source, rows.name),
    };
  }
  return undefined;
}

function separateLists(source: DetectorSource, guessed: boolean): Detector | undefined {
  const outputs = outputsOf(source);
  const boxes = outputs.find(
    ({ name, dims, float }) =>
      float &&
      dims.at(-1) === 4 &&
      (dims.length === 2 || dims.length === 3) &&
      !(guessed && areScores(source, name, dims.length)),
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
    certain: /box/i.test(boxes.name) && (boxes.dims.length === 3 || listsChosen(source.graph, boxes.name)),
  };
}

/** Before the output they pick rows, fill them up or order them. */
const ON_ROWS = new Set([
  ...ALIASES,
  'Gather',
  'GatherND',
  'GatherElements',
  'Slice',
  'Pad',
  'Where',
  'ScatterND',
  'Clip',
]);

/** What makes the rows of a list: columns of different kinds joined, or an operator that makes detections as a whole. */
function joinOf({ graph, facts }: DetectorSource, tensor: string): GraphNode | undefined {
  let node = graph.producer(tensor);
  while (node?.domain === '' && ON_ROWS.has(node.op)) node = graph.producer(node.inputs[0]!);
  if (node?.domain !== '' || node.op === 'Loop' || node.op === 'If') return node;
  const axis = node.attributes.int('axis', 0);
  const joins = node.op === 'Concat' && (axis === -1 || axis === facts.get(node.outputs[0]!)!.dims.length - 1);
  return joins ? node : undefined;
}

const joinsColumns = (source: DetectorSource, tensor: string): boolean => joinOf(source, tensor) !== undefined;

/**
 * The columns of a list that hold whole numbers (of classes, of pictures) or the same ones for every picture, where what they
 * are joined from tells it.
 */
function wholeColumns(source: DetectorSource, tensor: string): ReadonlySet<number> | undefined {
  const join = joinOf(source, tensor);
  if (join?.op !== 'Concat') return undefined;
  const seen = dependentTensors(source.graph, [source.input.name]);
  const whole = new Set<number>();
  let column = 0;
  for (const part of join.inputs) {
    const width = source.facts.get(part)?.dims.at(-1) ?? -1;
    if (width < 0) return undefined;
    if (width === 1 && (!seen.has(part) || isWhole(source, part))) whole.add(column);
    column += width;
  }
  return whole;
}

function isWhole({ graph, facts }: DetectorSource, tensor: string): boolean {
  let name = tensor;
  for (let node = graph.producer(name); node?.domain === ''; node = graph.producer(name)) {
    if (facts.get(name)?.type.includes('int') || ['Floor', 'Mod', 'ArgMax'].includes(node.op)) return true;
    if (!ON_ROWS.has(node.op) && node.op !== 'Expand') return false;
    name = node.inputs[0]!;
  }
  return facts.get(name)?.type.includes('int') ?? false;
}

/** First columns of box, score and class; number of columns. */
export const MATRICES: Readonly<Record<string, readonly [box: number, score: number, label: number, columns: number]>> =
  {
    'xyxy-score-class': [0, 4, 5, 6],
    'class-score-xyxy': [2, 1, 0, 6],
    'batch-xyxy-class-score': [1, 6, 5, 7],
    'batch-class-score-xyxy': [3, 2, 1, 7],
  };

/**
 * The detections in one output [M,C], [N,M,C] or [1,1,M,C]. Behind score and class of `xyxy-score-class` there may be further
 * columns, as Ultralytics writes mask coefficients, key points or an angle (whose boxes are centre and size).
 */
export function matrix(source: DetectorSource, format: DetectionFormatName, guessed: boolean): Detector | undefined {
  const [box, score, label, columns] = MATRICES[format]!;
  const wider = format === 'xyxy-score-class';
  const fits = ({ name, dims, float }: Output): boolean => {
    const count = dims.at(-1)!;
    if (!float || dims.length < 2 || dims.length > 4 || !(count === columns || (wider && count > columns)))
      return false;
    if (!guessed) return true;
    if (!joinsColumns(source, name)) return false;
    const whole = wholeColumns(source, name);
    if (whole && whole.size > 0) return whole.has(label) && (count === columns || !whole.has(0));
    // Four axes are the mark of the layout that Caffe's DetectionOutput has, image, class and score first.
    return count === columns && (columns !== 7 || (dims.length === 4) === (format === 'batch-class-score-xyxy'));
  };
  const found = outputsOf(source).find(fits);
  if (!found) return undefined;
  const part = columnsOf(found);
  return {
    output: found.name,
    format,
    boxes: part(box, 4),
    boxForm: found.dims.at(-1) === columns + ANGLE && wider ? 'xywh' : 'xyxy',
    scores: part(score, 1),
    scale: 'probability',
    labels: part(label, 1),
    classes: source.classNames ?? UNKNOWN_CLASSES,
    input: source.input,
    certain: found.dims.length === 4 && found.dims[1] === 1,
  };
}

/** A single further column. */
const ANGLE = 1;
