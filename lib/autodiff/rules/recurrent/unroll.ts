import { minusFrom, plus, step } from '../../blocked.ts';
import type { NodeContext } from '../../context.ts';
import type { Emitter } from '../../emitter.ts';
import { clamp, reduceSum, sliceAxis, split } from '../../forms.ts';
import { range, replaceAt, type Value } from '../../value.ts';
import { decomposed } from '../decomposed.ts';
import { type Activation, activationsOf } from './activations.ts';

/** Above this many steps the unrolled graph would take minutes to load. */
const MAX_STEPS = 512;

/** One direction of a recurrent node: what its steps read. */
export interface Direction {
  readonly e: Emitter;
  readonly hidden: number;
  /** W·x + W's bias of each step, [N, gates·H], in the order of time. */
  readonly projected: readonly Value[];
  /** Rᵀ [H, gates·H], and its bias [gates·H]. */
  readonly recurrence: Value;
  readonly recurrenceBias: Value | undefined;
  /** P [count·H], peepholes of an LSTM. */
  readonly peepholes: Value | undefined;
  readonly activations: readonly Activation[];
  /** Bounds a gate before its activation. */
  readonly clip: (x: Value) => Value;
}

/** What one step leaves: the hidden state [N, H] and, in an LSTM, the cell. Undefined for the zeros of the start. */
export interface State {
  readonly h: Value | undefined;
  readonly c?: Value | undefined;
}

export interface Cell {
  readonly gates: number;
  readonly defaults: readonly string[];
  /** True for a cell that adds R's bias by itself, where a gate comes between. */
  readonly ownBias?: (context: NodeContext) => boolean;
  step(direction: Direction, projected: Value, state: State, context: NodeContext): { h: Value; c?: Value };
}

/**
 * LSTM, GRU and RNN as one step after the other (inputs X, W, R, B, sequence_lens, initial_h, initial_c, P; outputs Y,
 * Y_h, Y_c): sequences of a known length. Behind the end of a shorter sequence of the batch the state stays, and Y is
 * zero; backwards, a shorter sequence starts at its own end, which is the same.
 */
export const recurrent = (cell: Cell) =>
  decomposed(context => outputsOf(context, cell), [0, 1, 2, 3, 5, 6, 7], {
    seen: batchSecond,
    gradient: stateGradient,
  });

/** Of a single direction, several scores of one image stand on the axis that looks like a batch: [K, 1, H]. */
function stateGradient(context: NodeContext, position: number): Value | undefined {
  const gradient = context.gradientOf(position);
  if (!gradient || !context.manyScores || gradient.dims[0] !== -1) return gradient;
  if (position === 0) context.fail('a sequence of one step takes one score of an image at a time');
  return context.emit.reshape(gradient, [1, -1, gradient.dims.at(-1)!]);
}

/** Inputs of three axes have their batch on the second: of one image, it has a row for each of several scores. */
const batchSecond =
  ({ manyScores, node }: NodeContext) =>
  (input: Value): Value => {
    const batched = [0, 5, 6].some(position => node.inputs[position] === input.name);
    return manyScores && batched && input.dims[1] === 1 ? { ...input, dims: replaceAt(input.dims, 1, -1) } : input;
  };

function outputsOf(context: NodeContext, cell: Cell): (Value | undefined)[] {
  const { emit: e, node } = context;
  const steps = context.input(0).dims[0]!;
  if (steps === -1) context.fail('the length of its sequence varies at run time');
  if (steps > MAX_STEPS) context.fail(`its sequence has ${steps} steps, at most ${MAX_STEPS} are written out`);
  if (node.attributes.int('layout', 0) !== 0) context.fail('layout = 1 is not supported');
  const kind = node.attributes.string('direction', 'forward');
  const count = kind === 'bidirectional' ? 2 : 1;
  const activations = activationsOf(context, cell.defaults, count);
  const each = activations.length / count;
  const masks = stepMasks(context, steps);
  const runs = range(count).map(index =>
    runDirection(context, cell, index, {
      backwards: kind === 'reverse' || index === 1,
      activations: activations.slice(index * each, (index + 1) * each),
      masks,
    }),
  );
  // [D, N, H]
  const last = (key: 'h' | 'c') =>
    stacked(
      e,
      runs.map(({ last: state }) => state[key]!),
    );
  const y = () =>
    e.concat(
      range(steps).map(t => {
        const each = stacked(
          e,
          runs.map(({ outputs }) => outputs[t]!),
        );
        return e.reshape(each, [1, ...each.dims]);
      }),
      0,
    );
  return [context.gradientOf(0) && y(), context.gradientOf(1) && last('h'), context.gradientOf(2) && last('c')];
}

/** [N, H] of each direction as [D, N, H]. */
const stacked = (e: Emitter, parts: readonly Value[]): Value =>
  e.concat(
    parts.map(part => e.reshape(part, [1, ...part.dims])),
    0,
  );

/** Per step a column [N, 1] of 1 where the sequence goes on and 0 behind its end; none where all are of full length. */
function stepMasks(context: NodeContext, steps: number): Value[] | undefined {
  if (!context.has(4)) return undefined;
  const { emit: e } = context;
  const lengths = context.constantInput(4);
  if (lengths?.every(length => length === steps)) return undefined;
  const x = context.input(0);
  const type = x.type === 'float64' ? 'float64' : 'float32';
  const column = e.reshape(e.cast(context.input(4), type), [context.input(4).dims[0]!, 1]);
  // Half a step lower, so that no rounding can matter.
  return range(steps).map(t => e.cast(step(e, plus(e, column, -t - 0.5)), x.type));
}

interface DirectionOptions {
  readonly backwards: boolean;
  readonly activations: readonly Activation[];
  readonly masks: readonly Value[] | undefined;
}

function runDirection(context: NodeContext, cell: Cell, index: number, options: DirectionOptions) {
  const { emit: e } = context;
  const direction = directionOf(context, cell, index, options.activations);
  const steps = direction.projected.length;
  const initial = (position: number) =>
    context.has(position)
      ? flat(e, sliceAxis(e, batchSecond(context)(context.input(position)), 0, index, 1))
      : undefined;
  let state: State = { h: initial(5), c: initial(6) };
  const outputs: Value[] = [];
  for (const place of range(steps)) {
    const t = options.backwards ? steps - 1 - place : place;
    const next = cell.step(direction, direction.projected[t]!, state, context);
    const mask = options.masks?.[t];
    outputs[t] = mask ? e.mul(next.h, mask) : next.h;
    state = mask
      ? { h: kept(e, outputs[t]!, state.h, mask), c: next.c && kept(e, e.mul(next.c, mask), state.c, mask) }
      : next;
  }
  return { outputs, last: state };
}

/** The new state where the mask is 1 (given with the mask applied), else the old one. */
const kept = (e: Emitter, masked: Value, old: Value | undefined, mask: Value): Value =>
  old ? e.add(masked, e.mul(old, minusFrom(e, 1, mask))) : masked;

/** Without the leading axis of one direction. */
const flat = (e: Emitter, x: Value): Value => e.reshape(x, x.dims.slice(1));

function directionOf(context: NodeContext, cell: Cell, index: number, activations: readonly Activation[]): Direction {
  const { emit: e, node } = context;
  const seen = batchSecond(context);
  const of = (position: number) => flat(e, sliceAxis(e, context.input(position), 0, index, 1));
  const [x, w, r] = [seen(context.input(0)), of(1), of(2)];
  const hidden = r.dims[1]!;
  const rows = cell.gates * hidden;
  let projection = e.matMul(x, e.transpose(w, [1, 0]));
  let recurrenceBias: Value | undefined;
  if (context.has(3)) {
    const halves = e.reshape(of(3), [2, rows]);
    if (cell.ownBias?.(context)) {
      recurrenceBias = e.reshape(sliceAxis(e, halves, 0, 1, 1), [rows]);
      projection = e.add(projection, e.reshape(sliceAxis(e, halves, 0, 0, 1), [rows]));
    } else projection = e.add(projection, e.reshape(reduceSum(e, halves, [0]), [rows]));
  }
  const steps = x.dims[0]!;
  const pieces = steps === 1 ? [projection] : split(e, projection, 0, Array<number>(steps).fill(1));
  const bound = node.attributes.float('clip', 0);
  return {
    e,
    hidden,
    projected: pieces.map(piece => flat(e, piece)),
    recurrence: e.transpose(r, [1, 0]),
    recurrenceBias,
    peepholes: context.has(7) ? of(7) : undefined,
    activations,
    clip: value => (bound > 0 ? clamp(e, value, -bound, bound) : value),
  };
}

/** The gates of a step [N, H] each. */
export const gatesOf = ({ e, hidden }: Direction, x: Value): Value[] =>
  split(e, x, 1, Array<number>(x.dims[1]! / hidden).fill(hidden));
