import { named } from '../../../common/named.ts';
import { float } from '../../../model/graph/attributes.ts';
import { plus, scale } from '../../blocked.ts';
import type { NodeContext } from '../../context.ts';
import type { Emitter } from '../../emitter.ts';
import type { Value } from '../../value.ts';

/** An activation of a gate or state. */
export type Activation = (e: Emitter, x: Value) => Value;

/**
 * Activations with their defaults in ONNX Runtime (zero where the operator list has none, and for ThresholdedRelu, unlike
 * the operator of that name) and what they are made of.
 */
const ACTIVATIONS: Readonly<
  Record<string, { alpha?: number; beta?: number; apply: (e: Emitter, x: Value, alpha: number, beta: number) => Value }>
> = {
  affine: { alpha: 0, beta: 0, apply: (e, x, alpha, beta) => plus(e, scale(e, x, alpha), beta) },
  elu: { alpha: 1, apply: (e, x, alpha) => e.unary('Elu', x, { alpha: float(alpha) }) },
  hardsigmoid: {
    alpha: 0.2,
    beta: 0.5,
    apply: (e, x, alpha, beta) => e.unary('HardSigmoid', x, { alpha: float(alpha), beta: float(beta) }),
  },
  leakyrelu: { alpha: 0.01, apply: (e, x, alpha) => e.unary('LeakyRelu', x, { alpha: float(alpha) }) },
  relu: { apply: (e, x) => e.unary('Relu', x) },
  scaledtanh: { alpha: 0, beta: 0, apply: (e, x, alpha, beta) => scale(e, e.unary('Tanh', scale(e, x, beta)), alpha) },
  sigmoid: { apply: (e, x) => e.unary('Sigmoid', x) },
  softplus: { apply: (e, x) => e.unary('Softplus', x) },
  softsign: { apply: (e, x) => e.unary('Softsign', x) },
  tanh: { apply: (e, x) => e.unary('Tanh', x) },
  thresholdedrelu: { alpha: 0, apply: (e, x, alpha) => e.unary('ThresholdedRelu', x, { alpha: float(alpha) }) },
};

/**
 * The activations of a recurrent node, those of the second direction behind those of the first. Values of
 * `activation_alpha` and `activation_beta` are given out in order to the activations that take one.
 */
export function activationsOf(context: NodeContext, defaults: readonly string[], directions: number): Activation[] {
  const { attributes } = context.node;
  const names = attributes.strings('activations') ?? Array.from({ length: directions }, () => defaults).flat();
  const alphas = [...(attributes.floats('activation_alpha') ?? [])];
  const betas = [...(attributes.floats('activation_beta') ?? [])];
  return names.map(name => {
    const found = named(ACTIVATIONS, name.toLowerCase()) ?? context.fail(`its activation ${name} is unknown`);
    const alpha = found.alpha === undefined ? 0 : (alphas.shift() ?? found.alpha);
    const beta = found.beta === undefined ? 0 : (betas.shift() ?? found.beta);
    return (e, x) => found.apply(e, x, alpha, beta);
  });
}
