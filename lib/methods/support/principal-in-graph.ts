import type { Emitter } from '../../autodiff/emitter.ts';
import { reduce, reduceSum } from '../../autodiff/forms.ts';
import type { Value } from '../../autodiff/value.ts';
import { divided, leadingDirection } from './leading-direction.ts';
import { chosen, less, meanOverPositions, perChannel } from './terms-in-graph.ts';

/** Options of `principalComponentInGraph`. */
export interface PrincipalInGraph {
  /** Subtract each channel's mean over positions first. */
  readonly centre: boolean;
  /**
   * The layer's activations A [N, C, …positions], where the sign is the one with Σ M·mean_k|A_k| ≥ 0 (`activation` of
   * lib/kernels/decompositions.ts); left out: the one with |max M| ≥ |min M|, which also decides where that sum is 0.
   */
  readonly strength?: Value;
}

/**
 * M = σ₁u₁ of X = [positions, channels]: the projection of the positions on the first principal direction of their channel
 * vectors, by power iterations of the Gram matrix (`leadingDirection`, whose docstring states the error). Zeros where X is.
 * @param x [N, C, …positions], what a sum over channels would add up
 * @returns [N, 1, …positions]
 */
export function principalComponentInGraph(emit: Emitter, x: Value, { centre, strength }: PrincipalInGraph): Value {
  // Squares of very small or large values leave the range of float32.
  const largest = reduce(emit, 'ReduceMax', emit.unary('Abs', x), inner(x));
  const scaled = divided(emit, x, largest);
  const apart = centre ? emit.sub(scaled, meanOverPositions(emit, scaled)) : scaled;
  const direction = perChannel(emit, leadingDirection(emit, apart), apart);
  const map = reduceSum(emit, emit.mul(apart, direction), [1]);
  return emit.mul(emit.mul(map, largest), signOf(emit, map, strength));
}

/** Axes behind the batch. */
const inner = ({ dims }: Value): number[] => dims.map((_, axis) => axis).slice(1);

/** 1 or −1, [N, 1, 1, …]. */
function signOf(emit: Emitter, map: Value, strength: Value | undefined): Value {
  const [high, low] = ['ReduceMax', 'ReduceMin'].map(op => reduce(emit, op, map, inner(map)));
  const ends = emit.add(high!, low!);
  const number = (value: number) => emit.scalar(value, map);
  if (!strength) return chosen(emit, less(emit, ends, number(0)), number(1), number(-1));
  const sums = reduce(emit, 'ReduceMean', emit.unary('Abs', strength), [1]);
  const agreement = reduceSum(emit, emit.mul(map, sums), inner(map));
  const undecided = emit.equal(agreement, number(0));
  const judged = emit.add(agreement, emit.mul(undecided, ends));
  return chosen(emit, less(emit, judged, number(0)), number(1), number(-1));
}
