import { minusFrom, scale, step } from '../blocked.ts';
import type { NodeContext } from '../context.ts';
import type { Emitter } from '../emitter.ts';
import type { ReferenceRun } from '../reference.ts';
import type { Value } from '../value.ts';

/** The value of a tensor on the path in the reference run. */
export function referenceOf(context: NodeContext, reference: ReferenceRun, tensor: string): Value {
  return reference.value(tensor) ?? context.fail(`"${tensor}" is not behind the layer`);
}

/** The four values that a rule for one operand reads. */
export function bothRuns(context: NodeContext, reference: ReferenceRun, position = 0) {
  const { inputs, outputs } = context.node;
  return {
    x: context.input(position),
    y: context.output(),
    x0: referenceOf(context, reference, inputs[position]!),
    y0: referenceOf(context, reference, outputs[0]!),
  };
}

/** g·Δy/Δx, given g·σ′(x) for where Δx is next to nothing. */
export function rescaled(context: NodeContext, reference: ReferenceRun, from: string, to: string, local: Value): Value {
  const { emit } = context;
  const difference = (tensor: string) => emit.sub(context.value(tensor), referenceOf(context, reference, tensor));
  return divided(emit, emit.mul(context.gradient, difference(to)), difference(from), local);
}

/** Below this a difference counts as none. */
const NEGLIGIBLE = 1e-10;
/** Half types have no such numbers. */
const NEGLIGIBLE_HALF = 6e-5;

/** contribution / Δx, or what is given where Δx is next to nothing (the contribution is so, too). */
export function divided(emit: Emitter, contribution: Value, difference: Value, local: Value): Value {
  const limit = difference.type === 'float16' || difference.type === 'bfloat16' ? NEGLIGIBLE_HALF : NEGLIGIBLE;
  const near = step(emit, minusFrom(emit, limit, emit.unary('Abs', difference)));
  return emit.add(emit.div(contribution, emit.add(difference, near)), emit.mul(near, local));
}

/** ½(x + x′). */
export function meanOf(context: NodeContext, reference: ReferenceRun, tensor: string): Value {
  const { emit } = context;
  const x = context.value(tensor);
  return { ...scale(emit, emit.add(x, referenceOf(context, reference, tensor)), 0.5), dims: x.dims };
}
