import type { NodeContext } from '../context.ts';
import type { Pattern } from '../patterns.ts';
import type { ReferenceRun } from '../reference.ts';
import type { Form, Rule, RuleSet } from '../rule.ts';
import { gradientPatterns, gradientRules } from '../rules/index.ts';
import { sameDims, type Value } from '../value.ts';
import { FORMS } from './deep-lift-forms.ts';
import { layerNormalization, logSoftmax, softmax } from './deep-lift-normalization.ts';
import { throughParts } from './deep-lift-parts.ts';
import { quotient, reciprocal, reduceL2, reduceLogSumExp, sqrt } from './deep-lift-quotients.ts';
import { bothRuns, divided, meanOf, rescaled } from './deep-lift-runs.ts';

/**
 * DeepLIFT with the rescale rule (arXiv:1704.02685): what goes backwards are multipliers m with Σ m·Δx = Σ g·Δy, Δ the
 * difference of the run to a reference run. Every rule here keeps that sum exactly, so that the contributions m·Δx of a
 * layer add up to the score's difference.
 *
 * - Linear operators: their gradient.
 * - Element-wise ones: g·Δy/Δx, and the derivative where |Δx| is below 1e-10 (as captum).
 * - Maxima: Δy is shared out to the maximum of either run (as captum).
 * - Products of two operands that both depend on the layer: the gradient at the mean of both runs,
 *   Δ(ab) = ½(b + b′)Δa + ½(a + a′)Δb; quotients as products with the reciprocal.
 * - Softmax and LayerNormalization: see their file.
 * - What can be written with these: through them.
 */
export function deepLiftRules(reference: ReferenceRun): RuleSet {
  const linear = LINEAR.map(op => [op, gradientRules.get(op)!] as const);
  const rescaled = ELEMENTWISE.map(op => [op, rescale(gradientRules.get(op)!, reference)] as const);
  const products = PRODUCTS.map(op => [op, atMean(gradientRules.get(op)!, reference)] as const);
  const fixed = FIXED.map(op => [op, whereFixed(gradientRules.get(op)!, reference)] as const);
  const maxima = MAXIMA.map(op => [op, crossMaximum(gradientRules.get(op)!, reference)] as const);
  return new Map<string, Rule>([
    ...linear,
    ...rescaled,
    ...products,
    ...maxima,
    ...fixed,
    ...partsOf(reference),
    ['DequantizeLinear', dequantizeLinear(reference)],
    ['com.microsoft:DequantizeLinear', dequantizeLinear(reference)],
    ['Div', quotient(reference)],
    ['LayerNormalization', layerNormalization(reference)],
    ['LogSoftmax', logSoftmax(reference)],
    ['Max', extremum(reference)],
    ['Min', extremum(reference)],
    ['Reciprocal', reciprocal(reference)],
    ['ReduceL2', reduceL2(reference)],
    ['ReduceLogSumExp', reduceLogSumExp(reference)],
    ['Softmax', softmax(reference)],
    ['Sqrt', sqrt(reference)],
  ]);
}

/** SiLU and GELU written with several nodes are element-wise functions of their input all the same. */
export function deepLiftPatterns(reference: ReferenceRun): Pattern[] {
  return gradientPatterns.map(({ match }) => ({
    match: (root, view) => {
      const found = match(root, view);
      if (!found) return undefined;
      return {
        ...found,
        backward: context => {
          const share = (tensor: string, local: Value) =>
            context.addTo(tensor, rescaled(context, reference, tensor, context.node.outputs[0]!, local));
          found.backward(context.with([context.gradient], share));
        },
      };
    },
  }));
}

const LINEAR = [
  ...['Add', 'AveragePool', 'BatchNormalization', 'Cast', 'Concat', 'Conv', 'ConvTranspose', 'CumSum', 'DepthToSpace'],
  ...['Dropout', 'Expand', 'Flatten', 'Gather', 'GatherElements', 'GatherND', 'GlobalAveragePool', 'Identity', 'Mean'],
  ...['Neg', 'Pad', 'QuantizeLinear', 'ReduceMean', 'ReduceSum', 'Reshape', 'Resize', 'ScatterElements', 'ScatterND'],
  ...['Slice', 'SpaceToDepth', 'Split', 'Squeeze', 'Sub', 'Sum', 'Tile', 'Transpose', 'Trilu', 'Unsqueeze', 'Upsample'],
  ...['Where', 'DynamicQuantizeLinear', 'com.microsoft:QuantizeLinear'],
  ...['AffineGrid', 'CastLike', 'CenterCropPad', 'Col2Im', 'DFT', 'ReverseSequence', 'STFT', 'Scatter'],
];

/** Linear in their first input where nothing else depends on the layer. */
const FIXED = ['Compress', 'DeformConv', 'GridSample', 'MaxUnpool', 'RoiAlign'];

/** Taken apart by their gradient's rule. */
const DECOMPOSED = ['CumProd', 'Det', 'GRU', 'LSTM', 'MeanVarianceNormalization', 'RNN', 'ReduceProd'];

function partsOf(reference: ReferenceRun): [string, Rule][] {
  const forms: [string, Form][] = [
    ...DECOMPOSED.map((op): [string, Form] => [op, gradientRules.get(op)!.form!]),
    ...Object.entries(FORMS).map(([op, forward]): [string, Form] => [op, { forward }]),
  ];
  return forms.map(([op, form]) => [op, throughParts(form, reference, deepLiftRules, gradientRules.get(op)!.inputs)]);
}

/** What is chosen, or where it is read, must be the same in both runs. */
function whereFixed(rule: Rule, reference: ReferenceRun): Rule {
  return {
    ...rule,
    backward: context => {
      const { inputs, op } = context.node;
      if (inputs.some((name, position) => position > 0 && name && reference.value(name)))
        context.fail('DeepLIFT has a rule for it where only its first input depends on the layer');
      // The other run has one image.
      if (op === 'RoiAlign') {
        if (context.input().dims[0] !== 1) context.fail('DeepLIFT has a rule for it where the model takes one picture');
        if (context.node.attributes.string('mode', 'avg') !== 'avg') context.fail('DeepLIFT has no rule for mode max');
      }
      rule.backward(context);
    },
  };
}

const ELEMENTWISE = [
  ...['Abs', 'Celu', 'Clip', 'Cos', 'Elu', 'Erf', 'Exp', 'Gelu', 'HardSigmoid', 'HardSwish', 'LeakyRelu', 'Log'],
  ...['Mish', 'Mod', 'PRelu', 'Pow', 'Relu', 'Selu', 'Sigmoid', 'Sin', 'Softplus', 'Softsign', 'Swish', 'Tanh'],
  ...['ThresholdedRelu', 'Acos', 'Acosh', 'Asin', 'Asinh', 'Atan', 'Atanh', 'Cosh', 'Shrink', 'Sinh', 'Tan'],
];

const PRODUCTS = ['Einsum', 'Gemm', 'MatMul', 'Mul', 'ReduceSumSquare'];

const MAXIMA = ['GlobalMaxPool', 'MaxPool', 'ReduceMax', 'ReduceMin'];

function rescale(rule: Rule, reference: ReferenceRun): Rule {
  return {
    ...rule,
    backward: context => {
      const { inputs, outputs } = context.node;
      if (inputs.some((_, position) => position > 0 && context.wants(position)))
        context.fail('DeepLIFT has a rule for it where only its first input depends on the layer');
      rule.backward(
        context.with([context.gradient], (tensor, local) =>
          context.addTo(tensor, rescaled(context, reference, tensor, outputs[0]!, local)),
        ),
      );
    },
  };
}

/** Positions of the inputs that differ between the runs in a way that gradients follow. */
const varying = (context: NodeContext): number[] =>
  [...context.node.inputs.keys()].filter(position => context.wants(position));

/** A bilinear operator: linear where one operand depends on the layer, else its gradient at the mean of both runs. */
function atMean(rule: Rule, reference: ReferenceRun): Rule {
  return {
    ...rule,
    backward: context => {
      const positions = varying(context);
      // A sum of squares multiplies its only operand with itself.
      if (positions.length < 2 && context.node.op !== 'ReduceSumSquare') return rule.backward(context);
      if (context.node.op === 'Einsum' && positions.length > 2)
        context.fail('DeepLIFT has no rule for a product of three tensors that depend on the layer');
      const names = new Set(positions.map(position => context.node.inputs[position]!));
      const values = new Map([...names].map(name => [name, meanOf(context, reference, name)]));
      rule.backward(context.with([context.gradient], (tensor, m) => context.addTo(tensor, m), { values }));
    },
  };
}

/**
 * Maxima over windows or axes. Between both runs' results lies the cross maximum: what y exceeds y′ by goes to the maximum
 * of x, what y′ exceeds y by to that of x′; of minima the other way round. Either place has moved at least as far.
 */
function crossMaximum(rule: Rule, reference: ReferenceRun): Rule {
  return {
    ...rule,
    backward: context => {
      const { emit, gradient: g, node } = context;
      const { x, x0, y, y0 } = bothRuns(context, reference);
      const rise = emit.unary('Relu', emit.sub(y, y0));
      const fall = emit.neg(emit.unary('Relu', emit.sub(y0, y)));
      const [own, other] = node.op === 'ReduceMin' ? [fall, rise] : [rise, fall];
      const values = new Map([
        [node.inputs[0]!, x0],
        [node.outputs[0]!, y0],
      ]);
      const found: Value[] = [];
      const collect = (_: string, value: Value) => void found.push(value);
      rule.backward(context.with([emit.mul(g, own)], collect));
      rule.backward(context.with([emit.mul(g, other)], collect, { values, manyScores: true }));
      rule.backward(context.with([g], collect));
      const [here, there, local] = found as [Value, Value, Value];
      context.add(0, divided(emit, emit.add(here, there), emit.sub(x, x0), local));
    },
  };
}

/** Max and Min with constants are element-wise functions. */
function extremum(reference: ReferenceRun): Rule {
  return {
    backward: context => {
      const positions = varying(context);
      const [position] = positions as [number];
      if (positions.length > 1 || !sameDims(context.input(position).dims, context.output().dims))
        context.fail('DeepLIFT has no rule for the larger of two tensors that depend on the layer');
      gradientRules
        .get(context.node.op)!
        .backward(
          context.with([context.gradient], (tensor, local) =>
            context.addTo(tensor, rescaled(context, reference, tensor, context.node.outputs[0]!, local)),
          ),
        );
    },
  };
}

/** A pair of QuantizeLinear and DequantizeLinear is a function of steps: Δ behind it over Δ before it. */
function dequantizeLinear(reference: ReferenceRun): Rule {
  return {
    inputs: [0],
    backward: context => {
      const quantize = context.producer(0);
      const before = quantize?.inputs[0];
      const { gradient } = context;
      if (!quantize?.op.endsWith('QuantizeLinear') || before === undefined || !reference.value(before))
        return context.add(0, gradient);
      context.add(0, rescaled(context, reference, before, context.node.outputs[0]!, gradient));
    },
  };
}
