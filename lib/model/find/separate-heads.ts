import { activatedColumns, activationBehind, type Columns } from './activation-behind.ts';
import { areScores, type Detector, type DetectorSource, type Output, outputsOf } from './detector-source.ts';

const CLASSES = /logit|score|conf|cls|class|prob/i;

/**
 * Boxes and scores of all candidates in an output each. Four columns that leave a Sigmoid of their own are centre and size,
 * as DETR and its kin make them; where scores of four classes might be meant as well, both readings are given.
 */
export function separate(source: DetectorSource, format: 'ssd' | 'detr', guessed: boolean): Detector | undefined {
  const outputs = outputsOf(source).filter(({ float }) => float);
  const boxed = outputs.filter(({ dims }) => boxRows(dims) !== undefined);
  const plain = boxed.filter(one => !isSquashed(source, one));
  // Named formats: corners are no Sigmoid's where another output may be the boxes, centre and size are.
  const order = format === 'detr' ? [...boxed.filter(one => !plain.includes(one)), ...plain] : plain;
  for (const boxes of guessed ? boxed : [...order, ...boxed]) {
    if (guessed && format === 'detr' && !/pred_boxes/i.test(boxes.name)) continue;
    if (guessed && areScores(source, boxes.name, boxes.dims.length) && !isDetrLike(source, boxes, boxed)) continue;
    for (const scores of outputs) {
      const found = scores === boxes ? undefined : read(source, format, boxes, scores, guessed);
      if (found) return found;
    }
  }
  return undefined;
}

function read(
  source: DetectorSource,
  format: 'ssd' | 'detr',
  boxes: Output,
  scores: Output,
  guessed: boolean,
): Detector | undefined {
  const { graph, facts, input, output, classNames } = source;
  const rows = boxRows(boxes.dims)!;
  if (scores.dims.length !== 3 || (output !== undefined && scores.name !== output)) return undefined;
  const axis = scores.dims[1] === rows ? 2 : scores.dims[2] === rows ? 1 : 0;
  if (axis === 0) return undefined;
  const classes = scores.dims[axis]!;
  const part: Columns = { tensor: scores.name, rowAxis: 3 - axis, axis, from: 0, length: classes };
  const behind = activationBehind(graph, facts, part);
  const scale = behind && !behind.logits ? 'probability' : (behind?.kind ?? 'sigmoid');
  const centred = isSquashed(source, boxes);
  const kind = guessed && centred ? 'detr' : format;
  const background = kind === 'ssd' ? 0 : classes - 1;
  const either = guessed && !/box/i.test(boxes.name) && isEither(source, boxes, scores);
  return {
    output: scores.name,
    format: kind,
    boxes: { tensor: boxes.name, rowAxis: 1, axis: boxes.dims.length - 1, from: 0, length: 4 },
    boxForm: kind === 'detr' ? 'xywh' : 'xyxy',
    scores: behind?.logits ?? part,
    scale,
    classes,
    ...(behind?.kind === 'softmax' && classes > 1 && classes !== classNames && { background }),
    input,
    certain: behind !== undefined || /box/i.test(boxes.name) || (centred && CLASSES.test(scores.name)),
    ...(either && {
      ambiguous: {
        doubt: 'order',
        text:
          `the outputs "${boxes.name}" and "${scores.name}" may be boxes by their corners and scores of 4 classes ('ssd'), or ` +
          "the logits of 4 classes and boxes by centre and size ('detr')",
      },
    }),
  };
}

/** How many candidates [N,A,4] or [N,A,1,4] has. */
function boxRows(dims: readonly number[]): number | undefined {
  if (dims.at(-1) !== 4 || (dims.length !== 3 && !(dims.length === 4 && dims[2] === 1))) return undefined;
  return dims[1]!;
}

/** All four columns leave one Sigmoid that makes nothing else. */
function isSquashed({ graph, facts }: DetectorSource, { name, dims }: Output): boolean {
  const columns: Columns = { tensor: name, rowAxis: 1, axis: dims.length - 1, from: 0, length: 4 };
  const found = activatedColumns(graph, facts, columns);
  return found?.kind === 'sigmoid' && found.width === 4;
}

/** Four columns of a Sigmoid beside logits or scores of another number of classes, which no other output has boxes for. */
const isDetrLike = (source: DetectorSource, boxes: Output, boxed: readonly Output[]): boolean =>
  isSquashed(source, boxes) &&
  boxed.length === 1 &&
  outputsOf(source).some(
    ({ name, dims }) => name !== boxes.name && dims.length === 3 && dims[1] === boxes.dims[1] && CLASSES.test(name),
  );

/** Four columns as a layer with weights leaves them, beside four of a Sigmoid: either may be the boxes. */
function isEither(source: DetectorSource, boxes: Output, scores: Output): boolean {
  return scores.dims.at(-1) === 4 && isSquashed(source, scores) && leavesWeights(source, boxes.name);
}

const HANDS_ON = new Set(['Identity', 'Cast', 'Reshape', 'Flatten', 'Transpose', 'Squeeze', 'Unsqueeze', 'Concat']);

function leavesWeights({ graph }: DetectorSource, tensor: string): boolean {
  let node = graph.producer(tensor);
  while (node && HANDS_ON.has(node.op)) node = graph.producer(node.inputs[0]!);
  const isBias = node?.op === 'Add' && node.inputs.some(name => graph.initializers.has(name));
  if (isBias) node = graph.producer(node!.inputs.find(name => !graph.initializers.has(name))!);
  return node !== undefined && ['Conv', 'Gemm', 'MatMul'].includes(node.op);
}
