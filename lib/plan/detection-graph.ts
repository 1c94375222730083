import { minusFrom, plus, scale } from '../autodiff/blocked.ts';
import type { Emitter } from '../autodiff/emitter.ts';
import { reduce, reduceSum, sliceAxis } from '../autodiff/forms.ts';
import { range, type Value } from '../autodiff/value.ts';
import type { Columns } from '../model/find/activation-behind.ts';
import type { Detector } from '../model/find/detector.ts';
import type { GridLevel } from '../model/find/grid-boxes.ts';
import { makeValueInfo } from '../model/graph/value-info.ts';

/** Inputs for a box [1,4], its corners in the input's pixels, and for the IoU from which candidates belong to it, [1]. */
export const BOX_INPUT = 'onnx_cam/box';
export const IOU_INPUT = 'onnx_cam/iou';
/** Inputs for detections that others are compared with: corners [T,4] and class vectors [K,T] of length 1. */
export const REFERENCE_BOXES_INPUT = 'onnx_cam/reference/boxes';
export const REFERENCE_CLASSES_INPUT = 'onnx_cam/reference/classes';

/** Confidences are kept this far from 0 and 1, so that their log-odds are finite; float32 knows none nearer to 1. */
const LEAST = 1e-30;
const MOST = 1 - 2 ** -24;
/** Score of the class that means "nothing": below all others. */
const NOTHING = -1e4;

/**
 * What a detector says of its candidates, float32; nodes are appended for what is asked for. Of detections the first is an
 * empty one, as there may be none.
 */
export class Proposals {
  readonly #emit: Emitter;
  readonly #detector: Detector;
  readonly #made = new Map<string, Value>();

  constructor(emit: Emitter, detector: Detector) {
    this.#emit = emit;
    this.#detector = detector;
  }

  /** Corners in the input's pixels, [N,A,4]. */
  get boxes(): Value {
    return this.#once('boxes', () => appendCorners(this.#emit, this.#detector));
  }

  /** Confidence in each class, [N,A,K]. */
  get confidences(): Value {
    return this.#once('confidences', () => withoutBackground(this.#emit, this.#probabilities, this.#detector, 0));
  }

  /** [N,A,1]: the detector's own objectness, a detection's score, else the largest confidence. */
  get objectness(): Value {
    const { objectness, labels, scores } = this.#detector;
    return this.#once('objectness', () => {
      if (labels) return rows(this.#emit, scores, this.#detector);
      if (objectness) return this.#probability(rows(this.#emit, objectness, this.#detector));
      return reduce(this.#emit, 'ReduceMax', this.confidences, [2]);
    });
  }

  /** Log-odds of the confidences, [N,A,K]. */
  get logits(): Value {
    const { scale, objectness } = this.#detector;
    return this.#once('logits', () => {
      const given = scale === 'sigmoid' && !objectness;
      const logits = given ? this.#scores : appendLogOdds(this.#emit, this.#probabilities);
      return withoutBackground(this.#emit, logits, this.#detector, NOTHING);
    });
  }

  get #scores(): Value {
    return this.#once('scores', () => rows(this.#emit, this.#detector.scores, this.#detector));
  }

  get #probabilities(): Value {
    const { labels, scale, objectness } = this.#detector;
    return this.#once('probabilities', () => {
      if (labels) return this.#detections(rows(this.#emit, labels, this.#detector));
      const own = scale === 'softmax' ? this.#emit.unary('Softmax', this.#scores, { axis: 2 }) : undefined;
      const classes = own ?? this.#probability(this.#scores);
      return objectness ? this.#emit.mul(classes, this.objectness) : classes;
    });
  }

  /** A detection's score in the column of its class, zero in the others. */
  #detections(label: Value): Value {
    const { classes } = this.#detector;
    const emit = this.#emit;
    const distance = emit.unary('Abs', emit.sub(label, emit.constant(range(classes), 'float32', [1, 1, classes])));
    const bool = { type: 'bool' as const, dims: distance.dims };
    const own = emit.node('Less', [distance, emit.constant(0.5, 'float32')], bool);
    return emit.mul(this.objectness, emit.cast(own, 'float32'));
  }

  #probability(x: Value): Value {
    return this.#detector.scale === 'probability' ? x : this.#emit.unary('Sigmoid', x);
  }

  #once(key: string, make: () => Value): Value {
    let value = this.#made.get(key);
    if (!value) this.#made.set(key, (value = make()));
    return value;
  }
}

/** log p − log(1 − p). */
function appendLogOdds(emit: Emitter, probabilities: Value): Value {
  const p = clip(emit, probabilities, LEAST, MOST);
  return emit.sub(emit.unary('Log', p), emit.unary('Log', minusFrom(emit, 1, p)));
}

function clip(emit: Emitter, x: Value, low: number, high: number): Value {
  const bounds = [low, high].map(bound => emit.constant(bound, 'float32'));
  if (emit.opset >= 11) return emit.node('Clip', [x, ...bounds], x);
  return emit.binary('Min', emit.binary('Max', x, bounds[0]!), bounds[1]!);
}

/** The background class's column replaced by one value. */
function withoutBackground(emit: Emitter, x: Value, { background, classes }: Detector, value: number): Value {
  if (background === undefined) return x;
  const kept = emit.constant(
    range(classes).map(k => (k === background ? 0 : 1)),
    'float32',
    [classes],
  );
  const only = emit.mul(x, kept);
  if (value === 0) return only;
  return emit.add(
    only,
    emit.constant(
      range(classes).map(k => (k === background ? value : 0)),
      'float32',
      [classes],
    ),
  );
}

/** Some columns of an output as float32 [N,A,columns]. */
function rows(emit: Emitter, { tensor, rowAxis, axis, from, length }: Columns, { labels }: Detector): Value {
  const output: Value = { name: tensor, ...emit.facts.get(tensor)! };
  const wide = axis < output.dims.length ? sliceAxis(emit, output, axis, from, length) : output;
  const cast = emit.cast(axis < rowAxis ? emit.transpose(wide, [0, 2, 1]) : wide, 'float32');
  const batch = rowAxis > 0 ? output.dims[0]! : 1;
  if (!labels) return emit.reshape(cast, [batch, output.dims[rowAxis]!, length]);
  // How many detections there are differs from run to run, whatever the facts say.
  const shape = emit.ints([batch === -1 ? 0 : batch, -1, length]);
  const found = emit.node('Reshape', [cast, shape], { type: 'float32', dims: [batch, -1, length] });
  return padded(emit, found, length);
}

/** An empty detection before the others. */
function padded(emit: Emitter, x: Value, length: number): Value {
  const dims = [x.dims[0]!, -1, length];
  const pads = [0, 1, 0, 0, 0, 0];
  if (emit.opset < 11) return emit.node('Pad', [x], { type: 'float32', dims }, { pads });
  return emit.node('Pad', [x, emit.ints(pads)], { type: 'float32', dims });
}

/** Boxes as corners x₁, y₁, x₂, y₂ in the input's pixels. Boxes that all lie within [−2, 2] are in units of the input's size. */
function appendCorners(emit: Emitter, detector: Detector): Value {
  const given = rows(emit, detector.boxes, detector);
  const { name, layout } = detector.input;
  const { dims } = emit.facts.get(name)!;
  const [height, width] = (layout === 'nhwc' ? dims.slice(1, 3) : dims.slice(-2)) as [number, number];
  const boxes = detector.grid ? appendDecoded(emit, given, detector.grid, width) : given;
  const column = (index: number) => sliceAxis(emit, boxes, 2, index, 1);
  const [a, b, c, d] = range(4).map(column) as [Value, Value, Value, Value];
  let corners: readonly Value[] = [a, b, c, d];
  if (detector.boxForm === 'yxyx') corners = [b, a, d, c];
  if (detector.boxForm === 'xywh') {
    const [halfWidth, halfHeight] = [scale(emit, c, 0.5), scale(emit, d, 0.5)];
    corners = [emit.sub(a, halfWidth), emit.sub(b, halfHeight), emit.add(a, halfWidth), emit.add(b, halfHeight)];
  }
  const largest = reduce(emit, 'ReduceMax', emit.unary('Abs', boxes), [0, 1, 2]);
  const relative = emit.cast(
    emit.node('Less', [largest, emit.constant(2, 'float32')], { type: 'bool', dims: largest.dims }),
    'float32',
  );
  const size = emit.constant([width - 1, height - 1, width - 1, height - 1], 'float32', [1, 1, 4]);
  return emit.mul(emit.concat(corners, 2), plus(emit, emit.mul(relative, size), 1));
}

/** YOLOX's boxes: (offset + cell)·stride and exp(size)·stride, the stride being the input's width in cells. */
function appendDecoded(emit: Emitter, boxes: Value, grid: readonly GridLevel[], inputWidth: number): Value {
  const cells = grid.flatMap(({ height, width }) =>
    range(height * width).map(cell => [cell % width, Math.floor(cell / width), inputWidth / width]),
  );
  const constant = (of: (cell: number[]) => number[], columns: number) =>
    emit.constant(cells.flatMap(of), 'float32', [1, cells.length, columns]);
  const stride = constant(([, , size]) => [size!], 1);
  const centres = emit.add(
    sliceAxis(emit, boxes, 2, 0, 2),
    constant(([x, y]) => [x!, y!], 2),
  );
  const sizes = emit.unary('Exp', sliceAxis(emit, boxes, 2, 2, 2));
  return emit.mul(emit.concat([centres, sizes], 2), stride);
}

/** IoU of every candidate with boxes given by their corners [T,4]: [N,A,T]. */
export function appendOverlap(emit: Emitter, boxes: Value, others: Value): Value {
  const columns = emit.transpose(others, [1, 0]);
  const own = range(4).map(index => sliceAxis(emit, boxes, 2, index, 1));
  const other = range(4).map(index => sliceAxis(emit, columns, 0, index, 1));
  const sides = (axis: 0 | 1) => {
    const inner = emit.sub(
      emit.binary('Min', own[axis + 2]!, other[axis + 2]!),
      emit.binary('Max', own[axis]!, other[axis]!),
    );
    return emit.unary('Relu', inner);
  };
  const area = (corners: readonly Value[]) =>
    emit.mul(
      emit.unary('Relu', emit.sub(corners[2]!, corners[0]!)),
      emit.unary('Relu', emit.sub(corners[3]!, corners[1]!)),
    );
  const common = emit.mul(sides(0), sides(1));
  const union = emit.sub(emit.add(area(own), area(other)), common);
  // Keeps the overlap of two boxes without area at zero.
  return emit.div(common, plus(emit, union, 1e-9));
}

export function float32Input(emit: Emitter, name: string, dims: readonly number[]): Value {
  emit.graph.inputs.push(makeValueInfo(name, 'float32', dims));
  const known = { type: 'float32' as const, dims };
  emit.facts.set(name, known);
  return { name, ...known };
}

/**
 * The candidates that belong to the box that is fed: those whose IoU reaches the threshold, or if none does the ones whose
 * IoU is largest and above zero. bool [N,A,1].
 */
export function appendMembers(emit: Emitter, boxes: Value): Value {
  const overlap = appendOverlap(emit, boxes, float32Input(emit, BOX_INPUT, [1, 4]));
  const best = reduce(emit, 'ReduceMax', overlap, [1]);
  const threshold = emit.binary('Min', best, float32Input(emit, IOU_INPUT, [1]));
  const bool = { type: 'bool' as const, dims: overlap.dims };
  const below = emit.node('Less', [overlap, threshold], bool);
  const touching = emit.node('Greater', [overlap, emit.constant(0, 'float32')], bool);
  return emit.node('And', [emit.node('Not', [below], bool), touching], bool);
}

/** Of each class the candidate with the largest score: bool [N,A,K]. */
export function appendBest(emit: Emitter, scores: Value): Value {
  const [batch, count, classes] = scores.dims as [number, number, number];
  const best = emit.node('ArgMax', [scores], { type: 'int64', dims: [batch, 1, classes] }, { axis: 1, keepdims: 1 });
  const places = emit.constant(range(count), 'int64', [1, count, 1]);
  return emit.node('Equal', [best, places], { type: 'bool', dims: scores.dims });
}

/** The largest confidence in each class, among all detections or those that belong to the box that is fed: [N,K]. */
export function appendBestConfidences(emit: Emitter, proposals: Proposals, boxed: boolean): Value {
  const { confidences } = proposals;
  const members = boxed && appendMembers(emit, proposals.boxes);
  const scores = members ? emit.mul(confidences, emit.cast(members, 'float32')) : confidences;
  const largest = reduce(emit, 'ReduceMax', scores, [1]);
  return emit.reshape(largest, [confidences.dims[0]!, confidences.dims[2]!]);
}

/**
 * D-RISE's similarity of an image's detections to T reference detections, [N,T]: the largest over the candidates of
 * IoU · cosine of the class vectors · objectness (arXiv 2006.03204).
 */
export function appendSimilarity(emit: Emitter, proposals: Proposals, count: number): Value {
  const { boxes, confidences, objectness } = proposals;
  const [batch, , classes] = confidences.dims as [number, number, number];
  const overlap = appendOverlap(emit, boxes, float32Input(emit, REFERENCE_BOXES_INPUT, [count, 4]));
  const references = float32Input(emit, REFERENCE_CLASSES_INPUT, [classes, count]);
  const squares = reduceSum(emit, emit.mul(confidences, confidences), [2]);
  // Keeps the cosine of a candidate without any confidence at zero.
  const length = emit.unary('Sqrt', plus(emit, squares, 1e-30));
  const cosine = emit.div(emit.matMul(confidences, references), length);
  const similar = emit.mul(emit.mul(overlap, cosine), objectness);
  return emit.reshape(reduce(emit, 'ReduceMax', similar, [1]), [batch, count]);
}
