import { plus } from '../autodiff/blocked.ts';
import { Emitter } from '../autodiff/emitter.ts';
import type { Value } from '../autodiff/value.ts';
import { OnnxCamError } from '../common/errors.ts';
import { lengthOf } from '../common/sizes.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { Logits } from '../model/find/logits.ts';
import type { FactTable, TensorFacts } from '../model/graph/facts.ts';
import type { Graph } from '../model/graph/graph.ts';
import { makeValueInfo } from '../model/graph/value-info.ts';
import type { DetectionReadout } from '../targets/detection.ts';
import type { DetectionSimilarity, Readout, Region } from '../targets/readout.ts';
import { appendDetectionReadout, detectionFeeds, detectionForm } from './detection-readout.ts';
import type { AppendedReadout, ScoreHead } from './score-head.ts';

/** What reads one output of a model. */
export type LogitsReadout = Exclude<Readout, DetectionReadout | DetectionSimilarity>;

/** Name of the input for the unit vectors of similarities: float32 [D, V]. */
const VECTORS_INPUT = 'onnx_cam/vectors';

/** Name of the input for a region (of detections: the candidates that count): bool, broadcastable to the logits. */
export const REGION_INPUT = 'onnx_cam/region';

/**
 * The head whose row of scores a readout makes.
 * @throws `ERR_MODEL_UNSUPPORTED` for an output that the readout is not made for, `ERR_TARGET_RANGE` for vectors of
 * another length
 */
export function readoutHead(head: Logits, readout: LogitsReadout | undefined): ScoreHead {
  if (!readout) return head;
  if (readout.kind === 'similarity') return similarityHead(head, readout);
  if (head.spatial && !head.unbatched) return { ...head, spatial: false, readout };
  if (head.unbatched) throw notOfImages(head);
  throw new OnnxCamError(
    'ERR_MODEL_UNSUPPORTED',
    `segmentation() sums the scores of many positions, but the output "${head.output}" has one per class ` +
      `([${head.dims}]); use the class index itself as target`,
  );
}

/** For heads of steps [T,N,K] and the like. */
export function notOfImages({ output, dims }: Logits): OnnxCamError {
  return new OnnxCamError(
    'ERR_MODEL_UNSUPPORTED',
    `the first axis of the output "${output}" ([${dims.map(dim => (dim < 0 ? 'N' : dim))}]) counts no images but steps or ` +
      'positions, each with scores of its own; say which score is meant with a small model that picks one, as target ' +
      'graph(FILE) (graph:FILE on the command line)',
  );
}

function similarityHead(head: Logits, readout: Readout & { readonly kind: 'similarity' }): ScoreHead {
  if (head.spatial || head.classes < 2)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `similarity() compares vectors, but the output "${head.output}" is [${head.dims}]; name an output [N,D] with output(name, …)`,
    );
  const other = readout.vectors.find(({ length }) => length !== head.classes);
  if (other)
    throw new OnnxCamError(
      'ERR_TARGET_RANGE',
      `the vector of similarity() holds ${other.length} values, the output "${head.output}" has ${head.classes}`,
    );
  return { ...head, classes: readout.vectors.length, readout };
}

/** Which graph a readout needs; readouts of one form differ in what is fed. */
export function readoutForm(readout: Readout | undefined): string {
  if (!readout) return '';
  if (readout.kind === 'similarity') return `similarity ${readout.vectors.length}`;
  if (readout.kind !== 'region') return detectionForm(readout);
  return readout.region === 'predicted' ? 'predicted' : 'region';
}

/**
 * Appends Σ over positions of region · z. The region is fed (see {@link regionTensor}) unless it is the predicted one,
 * which is compared in the graph; no gradient flows through that comparison, so that the region counts as constant.
 * A similarity is e·v̂ / ‖e‖ with the unit vectors v̂ fed.
 * @param fed the region is fed in any case
 */
export function appendReadout(
  graph: Graph,
  facts: Map<string, TensorFacts>,
  head: ScoreHead & { readonly readout: Readout },
  fed: boolean,
): AppendedReadout {
  const { readout } = head;
  if (readout.kind === 'detection' || readout.kind === 'detection-similarity') {
    const emit = new Emitter(graph, facts, 'onnx_cam_readout');
    const appended = appendDetectionReadout(emit, head.detector!, readout, fed ? REGION_INPUT : undefined);
    for (const [name, known] of emit.facts) facts.set(name, known);
    return appended;
  }
  const logits: Value = { name: head.tensor, ...facts.get(head.tensor)! };
  const emit = new Emitter(graph, facts, 'onnx_cam_readout');
  if (readout.kind === 'similarity') {
    const rows = appendSimilarities(emit, logits, readout.vectors.length);
    for (const [name, known] of emit.facts) facts.set(name, known);
    return { rows: rows.name };
  }
  const predicted = readout.region === 'predicted' && !fed;
  const region = predicted ? appendPredicted(emit, logits, head) : regionInput(emit, logits);
  const inside = emit.mul(logits, emit.cast(region, logits.type));
  const axes = positionAxes(logits.dims, head.classAxis);
  const dims = [logits.dims[0]!, head.classes];
  const counted = head.classAxis < logits.dims.length;
  const sums = sumOver(emit, inside, axes, counted ? dims : dims.slice(0, 1));
  const rows = counted ? sums : emit.reshape(sums, dims);
  for (const [name, known] of emit.facts) facts.set(name, known);
  return { rows: rows.name, region: region.name };
}

/** The sum over these axes, which go. */
function sumOver(emit: Emitter, x: Value, axes: readonly number[], dims: readonly number[]): Value {
  const out = { type: x.type, dims };
  if (emit.opset < 13) return emit.node('ReduceSum', [x], out, { axes, keepdims: 0 });
  return emit.node('ReduceSum', [x, emit.ints(axes)], out, { keepdims: 0 });
}

function appendSimilarities(emit: Emitter, output: Value, count: number): Value {
  const size = output.dims.slice(1).reduce((product, dim) => product * dim, 1);
  const embedding = emit.reshape(emit.cast(output, 'float32'), [output.dims[0]!, size]);
  emit.graph.inputs.push(makeValueInfo(VECTORS_INPUT, 'float32', [size, count]));
  const vectors: Value = { name: VECTORS_INPUT, type: 'float32', dims: [size, count] };
  emit.facts.set(vectors.name, vectors);
  const squares = sumOver(emit, emit.mul(embedding, embedding), [1], [output.dims[0]!]);
  // Keeps the similarity of an embedding that is zero at zero.
  const length = emit.unary('Sqrt', plus(emit, squares, 1e-16));
  return emit.div(emit.matMul(embedding, vectors), emit.reshape(length, [output.dims[0]!, 1]));
}

function appendPredicted(emit: Emitter, logits: Value, { classes, classAxis, kind }: ScoreHead): Value {
  const bool = { type: 'bool' as const, dims: logits.dims };
  if (classes === 1 || kind === 'sigmoid') return emit.node('Greater', [logits, emit.scalar(0, logits)], bool);
  const largest = emit.node(
    'ArgMax',
    [logits],
    { type: 'int64', dims: logits.dims.with(classAxis, 1) },
    { axis: classAxis, keepdims: 1 },
  );
  const numbers = emit.constant(
    Array.from({ length: classes }, (_, c) => c),
    'int64',
    logits.dims.map((_, axis) => (axis === classAxis ? classes : 1)),
  );
  return emit.node('Equal', [largest, numbers], bool);
}

function regionInput(emit: Emitter, { dims }: Value): Value {
  const declared = dims.map(() => -1);
  emit.graph.inputs.push(makeValueInfo(REGION_INPUT, 'bool', declared));
  return { name: REGION_INPUT, type: 'bool', dims: declared };
}

function positionAxes(dims: readonly number[], classAxis: number): number[] {
  return dims.flatMap((_, axis) => (axis > 0 && axis !== classAxis ? [axis] : []));
}

/**
 * What a head's readout is fed besides a region that was found by a run.
 * @param facts at the size of the image
 */
export function readoutFeeds(head: ScoreHead, facts: FactTable): Record<string, Tensor> {
  const { readout } = head;
  if (readout?.kind === 'similarity') return { [VECTORS_INPUT]: unitVectors(readout.vectors) };
  if (readout?.kind === 'detection' || readout?.kind === 'detection-similarity') return detectionFeeds(readout);
  if (!readout || readout.region === 'predicted') return {};
  return { [REGION_INPUT]: regionTensor(readout.region, head, facts) };
}

/** Vectors of length 1 as the columns of [D, V]. */
function unitVectors(vectors: readonly Float32Array[]): Tensor<'float32'> {
  const size = vectors[0]!.length;
  const data = new Float32Array(size * vectors.length);
  for (const [column, vector] of vectors.entries()) {
    const length = lengthOf(vector);
    vector.forEach((value, row) => {
      data[row * vectors.length + column] = value / length;
    });
  }
  return { type: 'float32', data, dims: [size, vectors.length] };
}

/**
 * What is fed for a region that the user gave: [1, …] of the logits' layout, 1 along the classes.
 * @throws `ERR_TARGET_RANGE` for one that does not fit the output
 */
function regionTensor(region: Exclude<Region, 'predicted'>, head: ScoreHead, facts: FactTable): Tensor<'bool'> {
  const { tensor, output, classAxis } = head;
  const { dims } = facts.get(tensor)!;
  const { width, height } = positionsOf(head, facts);
  const data = maskOf(region, width, height);
  if (!data)
    throw new OnnxCamError(
      'ERR_TARGET_RANGE',
      `the region ${describe(region)} does not fit the output "${output}" of ${width} × ${height} pixels`,
    );
  return { type: 'bool', data, dims: dims.map((dim, axis) => (axis === 0 || axis === classAxis ? 1 : dim)) };
}

/** Pixels of an output [N,K,h,w]. @throws `ERR_TARGET_RANGE` for any other */
export function positionsOf(
  { tensor, output, classAxis }: Pick<ScoreHead, 'tensor' | 'output' | 'classAxis'>,
  facts: FactTable,
): { readonly width: number; readonly height: number } {
  const { dims } = facts.get(tensor)!;
  const [height, width, ...more] = positionAxes(dims, classAxis).map(axis => dims[axis]!);
  if (height !== undefined && width !== undefined && more.length === 0) return { width, height };
  throw new OnnxCamError(
    'ERR_TARGET_RANGE',
    `a region of pixels needs an output [N,K,h,w]; "${output}" is [${dims}], so that only the region 'predicted' is possible`,
  );
}

/** undefined when no pixel is in it, or a mask has another size. */
export function maskOf(region: Exclude<Region, 'predicted'>, width: number, height: number): Uint8Array | undefined {
  if ('mask' in region) return region.width === width && region.height === height ? region.mask : undefined;
  const mask = new Uint8Array(width * height);
  if ('point' in region) {
    const [x, y] = region.point.map(Math.floor) as [number, number];
    if (x < 0 || y < 0 || x >= width || y >= height) return undefined;
    mask[y * width + x] = 1;
    return mask;
  }
  const [x, y, w, h] = region.box;
  // Pixels are in whose centres are.
  const first = (from: number) => Math.max(0, Math.ceil(from - 0.5));
  const left = first(x);
  const right = Math.min(width, first(x + w));
  for (let row = first(y); row < Math.min(height, first(y + h)); row++)
    if (left < right) mask.fill(1, row * width + left, row * width + right);
  return mask.includes(1) ? mask : undefined;
}

function describe(region: Exclude<Region, 'predicted'>): string {
  if ('mask' in region) return `{ mask } of ${region.width} × ${region.height}`;
  return JSON.stringify(region);
}
