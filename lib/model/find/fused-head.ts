import type { FactTable } from '../graph/facts.ts';
import type { Graph } from '../graph/graph.ts';
import { type ActivatedColumns, activatedColumns, activationBehind, type Columns } from './activation-behind.ts';

/** How one output [N,C,A] or [N,A,C] holds boxes and scores of its candidates. */
export interface FusedHead {
  readonly format: 'yolov8' | 'yolov5';
  readonly boxes: Columns;
  readonly scores: Columns;
  readonly scale: 'probability' | 'sigmoid' | 'softmax';
  readonly objectness?: Columns;
  readonly classes: number;
  /** Its scores leave an activation that its boxes don't. */
  readonly certain: boolean;
  /**
   * The columns may be read in another way, as far as the graph tells: the first score is objectness, or none of them belongs
   * to a detection.
   */
  readonly ambiguous: Doubt | undefined;
}

export type Doubt = 'objectness' | 'scores';

interface Reading {
  readonly format: FusedHead['format'];
  readonly classes: number;
  readonly ambiguous: Doubt | undefined;
}

/** What is looked at. */
export interface FusedSource {
  readonly graph: Graph;
  readonly facts: FactTable;
  readonly tensor: string;
  readonly dims: readonly number[];
  /** Number of classes, where names or labels say it. */
  readonly classNames?: number;
}

/**
 * Reads an output of three axes as the head of a detector: four columns of a box, perhaps objectness, the classes, and
 * perhaps others behind them (mask coefficients, key points, an angle). Where the classes end, and whether the fifth column
 * is objectness, the activation tells that they leave together, and the number of classes.
 * @param format what the user says it is
 */
export function readFused(source: FusedSource, format?: FusedHead['format']): FusedHead | undefined {
  const { graph, facts, tensor, dims } = source;
  // There are more candidates than columns, but for few queries and many classes.
  const axis = joinedAxis(graph, facts, tensor) ?? (dims[1]! < dims[2]! ? 1 : 2);
  const columns = dims[axis]!;
  const part = (from: number, length: number): Columns => ({ tensor, rowAxis: 3 - axis, axis, from, length });
  const at = (column: number) => activatedColumns(graph, facts, part(column, 1));
  const boxes = at(0);
  const fourth = columns > 4 ? at(4) : undefined;
  if (!format && boxes && !isBoxHead(boxes, [1, 2, 3].map(at))) return undefined;
  const run = runFrom(4, columns, at);
  const found = { axis, columns, run, behind: runFrom(4 + run, columns, at), from: fourth, boxes };
  const reading = readingOf(source, found, format);
  if (!reading || reading.classes < 1) return undefined;
  const first = reading.format === 'yolov5' ? 5 : 4;
  const behind = activationBehind(graph, facts, part(first, reading.classes));
  const logits = reading.format === 'yolov8' ? behind?.logits : undefined;
  return {
    format: reading.format,
    boxes: part(0, 4),
    scores: logits ?? part(first, reading.classes),
    scale: logits || !behind ? (behind?.kind ?? 'sigmoid') : 'probability',
    ...(reading.format === 'yolov5' && { objectness: part(4, 1) }),
    classes: reading.classes,
    certain: behind?.kind === 'sigmoid',
    ambiguous: reading.ambiguous,
  };
}

/** The axis along which four columns are joined with others. */
function joinedAxis(graph: Graph, facts: FactTable, tensor: string): 1 | 2 | undefined {
  let node = graph.producer(tensor);
  let turned = false;
  for (; node?.op === 'Identity' || node?.op === 'Transpose'; node = graph.producer(node.inputs[0]!))
    if (node.op === 'Transpose') turned = !turned;
  if (node?.op !== 'Concat') return undefined;
  const axis = node.attributes.int('axis', 0);
  const along = axis < 0 ? axis + 3 : axis;
  if (along === 0 || facts.get(node.inputs[0]!)?.dims[along] !== 4) return undefined;
  return (along === 1) === turned ? 2 : 1;
}

interface Found {
  readonly axis: number;
  readonly columns: number;
  /** How many columns from the fifth on leave one activation together, and how many behind them another one. */
  readonly run: number;
  readonly behind: number;
  readonly from: ActivatedColumns | undefined;
  /** What the first column leaves. */
  readonly boxes: ActivatedColumns | undefined;
}

function readingOf(
  { classNames }: FusedSource,
  { axis, columns, run, behind, from, boxes }: Found,
  format: FusedHead['format'] | undefined,
): Reading | undefined {
  const all = columns - 4;
  const yolov8 = (classes: number, ambiguous?: Doubt): Reading => ({ format: 'yolov8', classes, ambiguous });
  const yolov5 = (classes: number): Reading => ({ format: 'yolov5', classes, ambiguous: undefined });
  // An activation of its own for the fifth column, and another one for the classes.
  const own = run === 1 && behind > 0;
  const scores = run || (classNames !== undefined && classNames <= all ? classNames : all);
  if (format === 'yolov5') return yolov5(own ? behind : run ? run - 1 : knownOr(classNames, all - 1));
  if (format === 'yolov8') return yolov8(own ? run : scores);
  if (own) return classNames === 1 && behind > 1 ? yolov8(1) : yolov5(behind);
  if (run > 0) {
    if (run === classNames || run === 1) return yolov8(run);
    if (run - 1 === classNames) return yolov5(run - 1);
    // Boxes came out of the same activation before they were decoded: the whole head is one.
    if (from!.before.from >= 4) return yolov5(run - 1);
    // Boxes that are a Sigmoid's are RT-DETR's, which has no objectness; or all of it is scores of two kinds.
    if (boxes) return yolov8(run, 'scores');
    // Exports that put the columns first have no objectness; those that put them last may have it or not.
    return yolov8(run, axis === 2 ? 'objectness' : undefined);
  }
  if (classNames !== undefined) {
    if (all === classNames) return yolov8(all);
    return all - 1 === classNames ? yolov5(classNames) : undefined;
  }
  return axis === 1 || all === 1 ? yolov8(all) : yolov5(all - 1);
}

/** Coordinates may leave a Sigmoid that makes nothing else; one for all columns, or one for each, makes scores of them. */
const isBoxHead = (first: ActivatedColumns, others: readonly (ActivatedColumns | undefined)[]): boolean =>
  first.kind === 'sigmoid' && first.width === 4 && others.every(other => other && sameActivation(other, first));

const knownOr = (known: number | undefined, most: number): number =>
  known !== undefined && known <= most ? known : most;

function runFrom(start: number, columns: number, at: (column: number) => ActivatedColumns | undefined): number {
  const first = start < columns ? at(start) : undefined;
  if (!first) return 0;
  let run = 1;
  for (; start + run < columns; run++) {
    const next = at(start + run);
    if (!next || !sameActivation(next, first) || next.before.from !== first.before.from + run) break;
  }
  return run;
}

const sameActivation = (a: ActivatedColumns, b: ActivatedColumns): boolean => a.before.tensor === b.before.tensor;
