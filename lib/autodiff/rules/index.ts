import type { Pattern } from '../patterns.ts';
import type { Rule, RuleSet } from '../rule.ts';
import * as activation from './activation.ts';
import * as arithmetic from './arithmetic.ts';
import * as choose from './choose.ts';
import { col2Im } from './col2im.ts';
import * as composites from './composites.ts';
import { conv, convTranspose } from './conv.ts';
import { centerCropPad } from './crop.ts';
import { depthToSpace, spaceToDepth } from './depth-space.ts';
import { einsum } from './einsum.ts';
import { gemm, matMul } from './matmul.ts';
import * as normalization from './normalization.ts';
import { pad } from './pad.ts';
import { averagePool, globalAveragePool } from './pool-average.ts';
import { globalLpPool, lpPool } from './pool-lp.ts';
import { maxPool } from './pool-max.ts';
import { cumProd, reduceProd } from './product.ts';
import { dequantizeLinear, quantizeLinear } from './quantize.ts';
import { gru } from './recurrent/gru.ts';
import { lstm } from './recurrent/lstm.ts';
import { rnn } from './recurrent/rnn.ts';
import * as reduce from './reduce.ts';
import { resize } from './resize.ts';
import { affineGrid } from './sampling/affine-grid.ts';
import { deformConv } from './sampling/deform-conv.ts';
import { gridSample } from './sampling/grid-sample.ts';
import { maxRoiPool } from './sampling/max-roi-pool.ts';
import { roiAlign } from './sampling/roi-align.ts';
import * as scatter from './scatter.ts';
import * as shape from './shape.ts';
import * as slice from './slice.ts';
import { logSoftmax, softmax } from './softmax.ts';
import { det, dft, stft } from './transform.ts';
import * as unary from './unary.ts';

/** The true gradient: operator to rule. */
export const gradientRules: RuleSet = new Map<string, Rule>([
  ['Abs', unary.abs],
  ['Acos', unary.acos],
  ['Acosh', unary.acosh],
  ['Add', arithmetic.sum],
  ['AffineGrid', affineGrid],
  ['Asin', unary.asin],
  ['Asinh', unary.asinh],
  ['Atan', unary.atan],
  ['Atanh', unary.atanh],
  ['AveragePool', averagePool],
  ['BatchNormalization', normalization.batchNormalization],
  ['Cast', arithmetic.cast],
  ['CastLike', arithmetic.cast],
  ['Celu', activation.celu],
  ['CenterCropPad', centerCropPad],
  ['Clip', activation.clip],
  ['Col2Im', col2Im],
  ['Compress', choose.compress],
  ['Concat', slice.concat],
  ['Conv', conv],
  ['ConvTranspose', convTranspose],
  ['Cos', unary.cos],
  ['Cosh', unary.cosh],
  ['CumProd', cumProd],
  ['CumSum', reduce.cumSum],
  ['DFT', dft],
  ['DeformConv', deformConv],
  ['DepthToSpace', depthToSpace],
  ['DequantizeLinear', dequantizeLinear],
  ['Det', det],
  ['Div', arithmetic.div],
  ['Dropout', arithmetic.dropout],
  ['DynamicQuantizeLinear', quantizeLinear],
  ['Einsum', einsum],
  ['Elu', activation.elu],
  ['Erf', unary.erf],
  ['Exp', unary.exp],
  ['Expand', shape.expandRule],
  ['Flatten', shape.reshape],
  ['GRU', gru],
  ['Gather', slice.gatherRule],
  ['GatherElements', scatter.gatherElements],
  ['GatherND', scatter.gatherND],
  ['Gelu', activation.gelu],
  ['Gemm', gemm],
  ['GlobalAveragePool', globalAveragePool],
  ['GlobalLpPool', globalLpPool],
  ['GlobalMaxPool', reduce.globalMaxPool],
  ['GridSample', gridSample],
  ['GroupNormalization', normalization.groupNormalization],
  ['HardSigmoid', activation.hardSigmoid],
  ['HardSwish', activation.hardSwish],
  ['Identity', arithmetic.identity],
  ['InstanceNormalization', normalization.instanceNormalization],
  ['LRN', normalization.localResponseNormalization],
  ['LSTM', lstm],
  ['LayerNormalization', normalization.layerNormalization],
  ['LeakyRelu', activation.leakyRelu],
  ['Log', unary.log],
  ['LogSoftmax', logSoftmax],
  ['LpNormalization', normalization.lpNormalization],
  ['LpPool', lpPool],
  ['MatMul', matMul],
  ['Max', arithmetic.extremum],
  ['MaxPool', maxPool],
  ['MaxRoiPool', maxRoiPool],
  ['MaxUnpool', choose.maxUnpool],
  ['Mean', arithmetic.mean],
  ['MeanVarianceNormalization', normalization.meanVarianceNormalization],
  ['Min', arithmetic.extremum],
  ['Mish', activation.mish],
  ['Mod', arithmetic.mod],
  ['Mul', arithmetic.mul],
  ['Neg', unary.neg],
  ['PRelu', activation.pRelu],
  ['Pad', pad],
  ['Pow', arithmetic.pow],
  ['QuantizeLinear', quantizeLinear],
  ['RNN', rnn],
  ['Reciprocal', unary.reciprocal],
  ['ReduceL1', reduce.reduceL1],
  ['ReduceL2', reduce.reduceL2],
  ['ReduceLogSum', reduce.reduceLogSum],
  ['ReduceLogSumExp', reduce.reduceLogSumExp],
  ['ReduceMax', reduce.reduceExtremum],
  ['ReduceMean', reduce.reduceMean],
  ['ReduceMin', reduce.reduceExtremum],
  ['ReduceProd', reduceProd],
  ['ReduceSum', reduce.reduceSumRule],
  ['ReduceSumSquare', reduce.reduceSumSquare],
  ['Relu', activation.relu],
  ['Reshape', shape.reshape],
  ['Resize', resize],
  ['ReverseSequence', choose.reverseSequence],
  ['RoiAlign', roiAlign],
  ['STFT', stft],
  ['Scatter', scatter.scatterElements],
  ['ScatterElements', scatter.scatterElements],
  ['ScatterND', scatter.scatterND],
  ['Selu', activation.selu],
  ['Shrink', activation.shrink],
  ['Sigmoid', activation.sigmoid],
  ['Sin', unary.sin],
  ['Sinh', unary.sinh],
  ['Slice', slice.slice],
  ['Softmax', softmax],
  ['Softplus', activation.softplus],
  ['Softsign', activation.softsign],
  ['SpaceToDepth', spaceToDepth],
  ['Split', slice.split],
  ['Sqrt', unary.sqrt],
  ['Squeeze', shape.reshape],
  ['Sub', arithmetic.sub],
  ['Sum', arithmetic.sum],
  ['Swish', activation.swish],
  ['Tan', unary.tan],
  ['Tanh', activation.tanh],
  ['ThresholdedRelu', activation.thresholdedRelu],
  ['Tile', shape.tile],
  ['TopK', choose.topK],
  ['Transpose', shape.transpose],
  ['Trilu', shape.trilu],
  ['Unsqueeze', shape.reshape],
  ['Upsample', resize],
  ['Where', arithmetic.where],
  // Of 16 bits before opset 21.
  ['com.microsoft:DequantizeLinear', dequantizeLinear],
  ['com.microsoft:QuantizeLinear', quantizeLinear],
]);

/** Composites whose joint derivative is cheaper than that of their parts. */
export const gradientPatterns: readonly Pattern[] = [composites.silu, composites.gelu];
