import { float } from '../../model/graph/attributes.ts';
import { scale } from '../blocked.ts';
import { expand, unbroadcast } from '../broadcast.ts';
import type { NodeContext } from '../context.ts';
import type { Rule } from '../rule.ts';
import { broadcastDims, range, type Value } from '../value.ts';

/** Y = α·A′B′ + β·C. */
export const gemm: Rule = {
  backward: context => {
    const { emit, node } = context;
    const alpha = node.attributes.float('alpha', 1);
    const [transA, transB] = [node.attributes.int('transA', 0), node.attributes.int('transB', 0)];
    if (context.wants(0) || context.wants(1)) {
      const g = context.fullGradient;
      const [a, b] = [context.input(0), context.input(1)];
      if (context.wants(0))
        context.add(
          0,
          transA ? product(context, b, g, transB, 1, alpha) : product(context, g, b, 0, 1 - transB, alpha),
        );
      if (context.wants(1))
        context.add(
          1,
          transB ? product(context, g, a, 1, transA, alpha) : product(context, a, g, 1 - transA, 0, alpha),
        );
    }
    if (context.wants(2)) {
      const scaled = scale(emit, context.gradient, node.attributes.float('beta', 1));
      context.addBroadcast(2, scaled);
    }
  },
  /** One-hot rows select rows of B′ᵀ: gather them instead of reading the whole weight. */
  backwardIndex: context => {
    const { emit, node } = context;
    if (context.wants(1) || context.wants(2) || node.attributes.int('transA', 0) !== 0) return false;
    const rows = gatherClasses(context, context.input(1), node.attributes.int('transB', 0) ? 0 : 1);
    context.add(0, scale(emit, rows, node.attributes.float('alpha', 1)));
    return true;
  },
};

/** Rows of a classifier's weight for the class indices: [K, features]. */
function gatherClasses(context: NodeContext, weight: Value, classAxis: 0 | 1): Value {
  const { emit } = context;
  const index = context.index!;
  const count = index.dims[0]!;
  const features = weight.dims[1 - classAxis]!;
  const dims = classAxis === 0 ? [count, features] : [features, count];
  const gathered = emit.node('Gather', [weight, index], { type: weight.type, dims }, { axis: classAxis });
  return classAxis === 0 ? gathered : emit.transpose(gathered, [1, 0]);
}

function product(context: NodeContext, a: Value, b: Value, transA: number, transB: number, alpha: number): Value {
  const { emit } = context;
  const dims = [a.dims[transA ? 1 : 0]!, b.dims[transB ? 0 : 1]!];
  const inputs = [a, b];
  // The bias is not optional before opset 11.
  if (emit.opset < 11) inputs.push(emit.constant(0, a.type, [1]));
  return emit.node('Gemm', inputs, { type: a.type, dims }, { transA, transB, alpha: float(alpha) });
}

/** A: g·Bᵀ, B: Aᵀ·g, summed over broadcast batch axes. */
export const matMul: Rule = {
  backward: context => {
    const { emit } = context;
    const [a, b] = [context.input(0), context.input(1)];
    const vectorA = a.dims.length === 1;
    const vectorB = b.dims.length === 1;
    // Vectors become matrices with one row or column; the output gets its missing axes back.
    const matrixA = vectorA ? emit.reshape(a, [1, ...a.dims]) : a;
    const matrixB = vectorB ? emit.reshape(b, [...b.dims, 1]) : b;
    const batch = broadcastDims(matrixA.dims.slice(0, -2), matrixB.dims.slice(0, -2));
    const matrices = [...batch, matrixA.dims.at(-2)!, matrixB.dims.at(-1)!];
    const g = vectorA || vectorB ? emit.reshape(context.fullGradient, matrices) : context.fullGradient;
    if (context.wants(0)) {
      const back = emit.matMul(g, swapLast(context, matrixB));
      const dims = [...batch, ...matrixA.dims.slice(-2)];
      context.add(0, emit.reshapeLike(unbroadcast(emit, back, { ...a, dims }, matrixA), a));
    }
    if (context.wants(1)) context.add(1, emit.reshapeLike(gradientOfB(context, matrixA, g, matrixB, batch), b));
  },
  backwardIndex: context => {
    if (context.wants(1) || context.input(0).dims.length !== 2 || context.input(1).dims.length !== 2) return false;
    context.add(0, gatherClasses(context, context.input(1), 1));
    return true;
  },
};

function gradientOfB(context: NodeContext, a: Value, g: Value, b: Value, batch: readonly number[]): Value {
  const { emit } = context;
  if (b.dims.length === 2 && a.dims.length > 2) {
    // One product over all rows instead of one per batch entry, summed afterwards.
    const flatA = emit.reshape(expand(emit, a, { ...a, dims: [...batch, ...a.dims.slice(-2)] }), [-1, a.dims.at(-1)!]);
    return emit.matMul(swapLast(context, flatA), emit.reshape(g, [-1, g.dims.at(-1)!]));
  }
  const back = emit.matMul(swapLast(context, a), g);
  return unbroadcast(emit, back, { ...b, dims: [...batch, ...b.dims.slice(-2)] }, b);
}

function swapLast(context: NodeContext, x: Value): Value {
  const rank = x.dims.length;
  return context.emit.transpose(x, [...range(rank - 2), rank - 1, rank - 2]);
}
