import type { BoxForm, DetectionFormatName } from '../../targets/detection.ts';
import type { FactTable } from '../graph/facts.ts';
import type { Graph } from '../graph/graph.ts';
import { activationBehind, type Columns } from './activation-behind.ts';
import type { Doubt } from './fused-head.ts';
import type { GridLevel } from './grid-boxes.ts';
import type { ImageInput } from './input.ts';

/** Where a model's outputs hold boxes and the scores of their classes. */
export interface Detector {
  /** The output that the scores belong to. */
  readonly output: string;
  readonly format: DetectionFormatName;
  readonly boxes: Columns;
  readonly boxForm: BoxForm;
  /** Boxes are offsets of the centre from a cell and logarithms of the size, in cells of these feature maps. */
  readonly grid?: readonly GridLevel[];
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
  readonly ambiguous?: Ambiguity;
  /** What was assumed, for people. */
  readonly note?: string;
}

/** The outputs may be read in another way as well. */
export interface Ambiguity {
  /** Whether the first score is objectness, whether scores and boxes belong to detections at all, or which output is which. */
  readonly doubt: Doubt | 'order';
  /** What both ways are, for people. */
  readonly text: string;
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

export interface Output {
  readonly name: string;
  readonly dims: readonly number[];
  readonly float: boolean;
}

export function outputsOf({ graph, facts }: DetectorSource): Output[] {
  return graph.outputs.flatMap(({ name }) => {
    const known = facts.get(name);
    return known ? [{ name, dims: known.dims, float: known.type.includes('float') }] : [];
  });
}

/** The last axis holds scores or ranks of classes: no coordinates. */
export function areScores({ graph, facts }: DetectorSource, tensor: string, rank: number): boolean {
  const columns: Columns = {
    tensor,
    rowAxis: rank - 2,
    axis: rank - 1,
    from: 0,
    length: facts.get(tensor)!.dims.at(-1)!,
  };
  let node = graph.producer(tensor);
  while (node && ALIASES.has(node.op)) node = graph.producer(node.inputs[0]!);
  return node?.op === 'TopK' || (activationBehind(graph, facts, columns) !== undefined && !/box/i.test(tensor));
}

/** They hand a tensor on, or only order it differently. */
export const ALIASES: ReadonlySet<string> = new Set([
  'Identity',
  'Cast',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
]);
