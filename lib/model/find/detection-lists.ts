import type { DetectionFormatName } from '../../targets/detection.ts';
import type { Columns } from './activation-behind.ts';
import { ALIASES, areScores, type Detector, type DetectorSource, type Output, outputsOf } from './detector-source.ts';
import { listsChosen } from './suppression.ts';

/** Classes of detections where neither labels nor a suppression in the graph say how many there are. */
const UNKNOWN_CLASSES = 1000;

/** Boxes, scores and class numbers of the detections in an output each, [M,4], [M], [M] or with N before. */
export function lists(source: DetectorSource, guessed: boolean): Detector | undefined {
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

/** Columns of different kinds were joined, or come from an operator that makes detections as a whole. */
function joinsColumns({ graph, facts }: DetectorSource, tensor: string): boolean {
  let node = graph.producer(tensor);
  while (node?.domain === '' && ON_ROWS.has(node.op)) node = graph.producer(node.inputs[0]!);
  if (!node) return false;
  if (node.domain !== '' || node.op === 'Loop' || node.op === 'If') return true;
  const axis = node.attributes.int('axis', 0);
  return node.op === 'Concat' && (axis === -1 || axis === facts.get(node.outputs[0]!)!.dims.length - 1);
}

/** First columns of box, score and class; number of columns. */
export const MATRICES: Readonly<Record<string, readonly [box: number, score: number, label: number, columns: number]>> =
  {
    'xyxy-score-class': [0, 4, 5, 6],
    'class-score-xyxy': [2, 1, 0, 6],
    'batch-xyxy-class-score': [1, 6, 5, 7],
    'batch-class-score-xyxy': [3, 2, 1, 7],
  };

/** The detections in one output [M,C], [N,M,C] or [1,1,M,C]. */
export function matrix(source: DetectorSource, format: DetectionFormatName, guessed: boolean): Detector | undefined {
  const [box, score, label, columns] = MATRICES[format]!;
  const found = outputsOf(source).find(
    ({ name, dims, float }) =>
      float &&
      dims.at(-1) === columns &&
      dims.length >= 2 &&
      dims.length <= 4 &&
      (!guessed || joinsColumns(source, name)),
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
    certain: found.dims.length === 4 && found.dims[1] === 1,
  };
}
