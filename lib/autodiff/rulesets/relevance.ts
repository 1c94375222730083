import { minusFrom, plus, scale, step } from '../blocked.ts';
import type { NodeContext } from '../context.ts';
import type { Emitter } from '../emitter.ts';
import type { Rule, RuleSet } from '../rule.ts';
import { gradientRules } from '../rules/index.ts';
import type { Value } from '../value.ts';
import { isNonNegative, signalOf, weightedOf } from './signs.ts';

/*
 * Layer-wise relevance propagation by the rules of Relevance-CAM's authors (CVPR 2021; α = 1, β = 0). What goes backwards
 * is relevance R: every rule shares out an output's relevance among the inputs, all of it unless no input contributed.
 *
 * - Conv, ConvTranspose, Gemm, MatMul with a weight: z⁺ rule. Biases take none. (The authors' convolution adds its bias
 *   to the denominator, which loses relevance; convolutions of their networks have none.)
 * - Activations, BatchNormalization, sums and products with constants: R passes.
 * - Sums, local means, resizing: in proportion to the contributions. Global means: to the positive ones.
 * - Maxima, and whatever moves elements about: R goes to where the value came from.
 * - A product of a signal and a gate (squeeze and excitation, x·σ(x)): all to the signal (arXiv:1706.07206). Attention's
 *   probabilities are such a gate: they count as weights of the values (arXiv:2202.07304).
 * - Normalisations: R passes, as it does BatchNormalization (arXiv:2202.07304, 2402.05602).
 */

/** R of each element goes back to the element that it is a copy of, as a gradient does. */
const ROUTING = [
  ...[
    'CenterCropPad',
    'Compress',
    'Concat',
    'DepthToSpace',
    'Expand',
    'Flatten',
    'Gather',
    'GatherElements',
    'GatherND',
  ],
  ...['GlobalMaxPool', 'Identity', 'MaxPool', 'MaxRoiPool', 'MaxUnpool', 'Pad', 'ReduceMax', 'ReduceMin', 'Reshape'],
  ...[
    'ReverseSequence',
    'Slice',
    'SpaceToDepth',
    'Split',
    'Squeeze',
    'Tile',
    'TopK',
    'Transpose',
    'Trilu',
    'Unsqueeze',
  ],
  'Where',
  // Cast back.
  ...['Cast', 'CastLike'],
  // Refuses training mode.
  'Dropout',
];

/** Where nothing is added into places. */
const SCATTERING = ['Scatter', 'ScatterElements', 'ScatterND'];

const PASSING = [
  ...['Celu', 'Clip', 'DequantizeLinear', 'Elu', 'Erf', 'Gelu', 'HardSigmoid', 'HardSwish', 'LeakyRelu', 'Mish', 'Neg'],
  ...['QuantizeLinear', 'Relu', 'Selu', 'Sigmoid', 'Softplus', 'Softsign', 'Swish', 'Tanh', 'ThresholdedRelu'],
  ...['DynamicQuantizeLinear', 'com.microsoft:DequantizeLinear', 'com.microsoft:QuantizeLinear'],
  ...['Abs', 'Acos', 'Acosh', 'Asin', 'Asinh', 'Atan', 'Atanh', 'Cos', 'Cosh', 'Exp', 'Log', 'Shrink', 'Sin', 'Sinh'],
  ...['Sqrt', 'Tan'],
  ...['GroupNormalization', 'InstanceNormalization', 'LRN', 'LayerNormalization', 'LpNormalization'],
  'MeanVarianceNormalization',
];

const WEIGHTED = ['Conv', 'ConvTranspose', 'Einsum', 'Gemm', 'MatMul'];
/** Linear in their first input, or, as norms are, of degree one: Σ x·∂y/∂x is y. */
const PROPORTIONAL = [
  ...['AveragePool', 'Col2Im', 'CumSum', 'GlobalLpPool', 'GridSample', 'LpPool', 'ReduceL1', 'ReduceL2'],
  ...['ReduceSum', 'Resize', 'RoiAlign', 'Upsample'],
];
const GLOBAL_MEANS = ['GlobalAveragePool', 'ReduceMean'];

const pass: Rule = { inputs: [0], backward: context => context.add(0, context.gradient) };

/** Softmax is met as a gate, which takes no relevance, or on the way of relevance, where nothing is known to be right. */
const softmax: Rule = {
  inputs: [0],
  backward: context => context.fail('relevance propagation has no rule for it'),
};

const positionsOn = (context: NodeContext): number[] =>
  [...context.node.inputs.keys()].filter(position => context.wants(position));

/**
 * A sum of terms that are not negative, kept from zero (half types need a normal number): where it is zero, so are all
 * terms that the quotient is multiplied with.
 */
const stabilized = (emit: Emitter, z: Value): Value =>
  plus(emit, z, z.type === 'float16' || z.type === 'bfloat16' ? 6.2e-5 : 1e-20);

/** R/z, 0 where z is. */
function share(emit: Emitter, relevance: Value, z: Value): Value {
  const some = step(emit, emit.unary('Abs', z));
  return emit.div(emit.mul(relevance, some), emit.add(z, minusFrom(emit, 1, some)));
}

/** The same operator on other inputs. */
function again(context: NodeContext, inputs: readonly (Value | undefined)[]): Value {
  const { node, emit } = context;
  const attributes = Object.fromEntries(node.attributes.protos.map(proto => [proto.name, proto]));
  return emit.node(node.op, inputs, context.output(), attributes);
}

/** Which of two factors takes the relevance: the one that depends on the layer, or else the one whose partner is a Softmax. */
function dataOf(context: NodeContext): number {
  const { op, inputs } = context.node;
  const [data, ...others] = positionsOn(context) as [number, ...number[]];
  const single = data <= 1 && others.length === 0 ? data : undefined;
  const weighted = data === 0 && others.join() === '1' && !op.startsWith('Conv') ? weightedOf(context) : undefined;
  const few = op !== 'Einsum' || inputs.length === 2;
  return (
    (few ? (single ?? weighted) : undefined) ??
    context.fail(
      'relevance propagation has a rule for it where one factor alone depends on the layer, or the other one is a Softmax',
    )
  );
}

/** R_x = x⁺⊙W⁺ᵀ(R/z) + x⁻⊙W⁻ᵀ(R/z) with z = W⁺x⁺ + W⁻x⁻; transposes by the operator's gradient rule. */
function zPlus(rule: Rule): Rule {
  return {
    backward: context => {
      const { emit, node } = context;
      const data = dataOf(context);
      const weight = 1 - data;
      const [x, w] = [context.input(data), context.input(weight)];
      const positive = (value: Value) => emit.unary('Relu', value);
      const parts = isNonNegative(context, node.inputs[data]!)
        ? [{ x, w: positive(w) }]
        : [
            { x: positive(x), w: positive(w) },
            { x: positive(emit.neg(x)), w: positive(emit.neg(w)) },
          ];
      const sums = parts.map(part => {
        const operands = data === 0 ? [part.x, part.w] : [part.w, part.x];
        // Gemm's bias is not optional before opset 11.
        const bias = node.op === 'Gemm' && emit.opset < 11 ? [emit.constant(0, x.type, [1])] : [];
        return again(context, [...operands, ...bias]);
      });
      const z = sums.reduce((sum, part) => emit.add(sum, part));
      const shares = emit.div(context.gradient, stabilized(emit, z));
      for (const part of parts) {
        const values = new Map([
          [node.inputs[data]!, part.x],
          [node.inputs[weight]!, part.w],
        ]);
        const back = (tensor: string, c: Value) => {
          if (tensor === node.inputs[data]) context.addTo(tensor, emit.mul(part.x, c));
        };
        rule.backward(context.with([shares], back, { values }));
      }
    },
  };
}

/** R_x = x⊙(∂y/∂x)ᵀ(R/y). */
function proportional(rule: Rule): Rule {
  return {
    inputs: [0],
    backward: context => {
      const { emit } = context;
      const back = (tensor: string, c: Value) => context.addTo(tensor, emit.mul(context.input(), c));
      rule.backward(context.with([share(emit, context.gradient, context.output())], back));
    },
  };
}

/** The same with x⁺ for x. */
function positiveMean(rule: Rule): Rule {
  return {
    inputs: [0],
    backward: context => {
      const { emit, node } = context;
      const known = isNonNegative(context, node.inputs[0]!);
      const x = known ? context.input() : emit.unary('Relu', context.input());
      const axes = context.has(1) ? [context.input(1)] : [];
      const z = known ? context.output() : again(context, [x, ...axes]);
      const back = (tensor: string, c: Value) => context.addTo(tensor, emit.mul(x, c));
      rule.backward(context.with([emit.div(context.gradient, stabilized(emit, z))], back));
    },
  };
}

/** Updates take the places that they are written to; sums of both are of another kind. */
function scattering(rule: Rule): Rule {
  return {
    ...rule,
    backward: context => {
      if (context.node.attributes.string('reduction', 'none') !== 'none')
        context.fail('relevance propagation has a rule for it where nothing is added into places');
      rule.backward(context);
    },
  };
}

/** A power with a constant exponent is an activation. */
const power: Rule = {
  backward: context => {
    if (context.wants(1)) context.fail('relevance propagation has no rule for an exponent that depends on the layer');
    context.addBroadcast(0, context.gradient);
  },
};

/** To every operand in proportion; a constant takes none. Sub's second operand contributes −x to y, and so −x·R/y. */
const sum: Rule = {
  backward: context => {
    const { emit, node, gradient: relevance } = context;
    const positions = positionsOn(context);
    if (positions.length === 1) return context.addBroadcast(positions[0]!, relevance);
    const whole = share(emit, relevance, context.output());
    const shares = node.op === 'Mean' ? scale(emit, whole, 1 / node.inputs.length) : whole;
    for (const position of positions) {
      const part = emit.mul(context.input(position), shares);
      context.addBroadcast(position, node.op === 'Sub' && position === 1 ? emit.neg(part) : part);
    }
  },
};

const product: Rule = {
  backward: context => {
    const [position, ...others] = positionsOn(context) as [number, ...number[]];
    const signal =
      (others.length === 0 ? position : signalOf(context)) ??
      context.fail('relevance propagation has no rule for a product of two tensors neither of which is a gate');
    context.addBroadcast(signal, context.gradient);
  },
};

const quotient: Rule = {
  backward: context => {
    if (context.wants(1)) context.fail('relevance propagation has no rule for a divisor that depends on the layer');
    context.addBroadcast(0, context.gradient);
  },
};

/** With constants an activation; among several operands the winner takes all. */
const extremum: Rule = {
  backward: context => {
    const [position, ...others] = positionsOn(context) as [number, ...number[]];
    if (others.length > 0) gradientRules.get(context.node.op)!.backward(context);
    else context.addBroadcast(position, context.gradient);
  },
};

/** x·w·R/(x·w + 1e-9) of the authors: R, and nothing where x is zero. */
const batchNormalization: Rule = {
  inputs: [0],
  backward: context => {
    const { emit } = context;
    context.add(0, emit.mul(context.gradient, step(emit, emit.unary('Abs', context.input()))));
  },
};

const ofEach = (operators: readonly string[], make: (rule: Rule) => Rule): [string, Rule][] =>
  operators.map(op => [op, make(gradientRules.get(op)!)]);

/** Relevance of a layer from relevance of the logits. */
export const relevanceRules: RuleSet = new Map<string, Rule>([
  ...ofEach(ROUTING, rule => rule),
  ...ofEach(PASSING, () => pass),
  ...ofEach(WEIGHTED, zPlus),
  ...ofEach(PROPORTIONAL, proportional),
  ...ofEach(GLOBAL_MEANS, positiveMean),
  ...ofEach(SCATTERING, scattering),
  ['Add', sum],
  ['BatchNormalization', batchNormalization],
  ['Div', quotient],
  ['Max', extremum],
  ['Mean', sum],
  ['Min', extremum],
  ['Mul', product],
  ['PRelu', pass],
  ['Pow', power],
  ['Softmax', softmax],
  ['Sub', sum],
  ['Sum', sum],
]);
