import { setImmediate as nextTurn } from 'node:timers/promises';
import { OnnxCamError, throwIfAborted } from '../../../common/errors.ts';
import { Graph, type GraphNode } from '../../graph/graph.ts';
import { standardAttention } from './attention.ts';
import { batchFirst } from './batch-first.ts';
import { nhwcConv, nhwcMaxPool } from './channels-last.ts';
import { dynamicQuantizeMatMul, integerProduct, matMulIntegerToFloat } from './dynamic.ts';
import { embedLayerNormalization } from './embeddings.ts';
import { fusedConv, fusedGemm } from './fused-activation.ts';
import { attention, groupQueryAttention, multiHeadAttention, quantizedAttention } from './fused-attention.ts';
import * as biases from './fused-bias.ts';
import { fastGelu, gelu, quickGelu } from './fused-gelu.ts';
import { fusedMatMul } from './fused-matmul.ts';
import { groupNorm, skipGroupNorm } from './group-norm.ts';
import { matMulBnb4, matMulNBits } from './low-bits.ts';
import { type Converter, Lowering } from './lowering.ts';
import { rmsNormalization, skipLayerNormalization, skipSimplifiedLayerNormalization } from './normalization.ts';
import { passOn } from './passed-on.ts';
import { qLinearConv } from './qlinear-conv.ts';
import * as qLinear from './qlinear-elementwise.ts';
import { qGemm, qLinearMatMul } from './qlinear-matmul.ts';
import { parametersAt } from './quantized.ts';
import { expandDims, fusedMatMulActivation, renamed, scaledSilu } from './renamed.ts';
import { rotaryEmbedding, standardRotary } from './rotary.ts';

/** Operators of the default domain that are taken apart, and ONNX Runtime's own. */
export const STANDARD: Readonly<Record<string, Converter>> = {
  Attention: standardAttention,
  ConvInteger: integerProduct('Conv'),
  GRU: batchFirst,
  LSTM: batchFirst,
  MatMulInteger: integerProduct('MatMul'),
  QLinearConv: qLinearConv,
  QLinearMatMul: qLinearMatMul,
  RMSNormalization: rmsNormalization,
  RNN: batchFirst,
  RotaryEmbedding: standardRotary,
  // What ONNX Runtime's optimiser calls the same in files of any opset.
  SimplifiedLayerNormalization: rmsNormalization,
};

export const MICROSOFT: Readonly<Record<string, Converter>> = {
  Attention: attention,
  BiasAdd: biases.biasAdd,
  BiasDropout: biases.biasDropout,
  BiasGelu: gelu,
  BiasSoftmax: biases.biasSoftmax,
  BiasSplitGelu: biases.biasSplitGelu,
  DynamicQuantizeMatMul: dynamicQuantizeMatMul,
  EmbedLayerNormalization: embedLayerNormalization,
  ExpandDims: expandDims,
  FastGelu: fastGelu,
  FusedConv: fusedConv,
  FusedGemm: fusedGemm,
  FusedMatMul: fusedMatMul,
  FusedMatMulActivation: fusedMatMulActivation,
  GatherND: renamed('GatherND', 11),
  Gelu: gelu,
  GemmFastGelu: biases.gemmFastGelu,
  GroupNorm: groupNorm,
  GroupQueryAttention: groupQueryAttention,
  MatMulBnb4: matMulBnb4,
  MatMulIntegerToFloat: matMulIntegerToFloat,
  MatMulNBits: matMulNBits,
  MultiHeadAttention: multiHeadAttention,
  NhwcConv: nhwcConv,
  NhwcFusedConv: nhwcConv,
  NhwcMaxPool: nhwcMaxPool,
  Pad: renamed('Pad', 11),
  QAttention: quantizedAttention,
  QGemm: qGemm,
  QLinearAdd: qLinear.qLinearBinary('Add'),
  QLinearAveragePool: qLinear.qLinearUnary('AveragePool'),
  QLinearConcat: qLinear.qLinearConcat,
  QLinearConv: qLinearConv,
  QLinearGlobalAveragePool: qLinear.qLinearUnary('GlobalAveragePool'),
  QLinearLeakyRelu: qLinear.qLinearUnary('LeakyRelu'),
  QLinearMul: qLinear.qLinearBinary('Mul'),
  QLinearSigmoid: qLinear.qLinearUnary('Sigmoid'),
  QLinearSoftmax: qLinear.qLinearSoftmax,
  QLinearWhere: qLinear.qLinearWhere,
  QuickGelu: quickGelu,
  RotaryEmbedding: rotaryEmbedding,
  ScaledSiLU: scaledSilu,
  SkipGroupNorm: skipGroupNorm,
  SkipLayerNormalization: skipLayerNormalization,
  SkipSimplifiedLayerNormalization: skipSimplifiedLayerNormalization,
  TransposeMatMul: fusedMatMul,
  Trilu: renamed('Trilu', 14),
};

/**
 * Writes the operators that quantisers and ONNX Runtime's optimiser put into files in terms of the standard ones, so that
 * layers, gradients and heads are found in them like in any other model: QLinear operators become QuantizeLinear and
 * DequantizeLinear around float operators, which the runtime fuses again. What no converter knows stays as it is.
 * @throws OnnxCamError `ERR_MODEL_UNSUPPORTED` for models in a layout of one machine, `ERR_MODEL_INVALID` for nodes that
 * lack inputs
 */
export function lowerOperators(graph: Graph): Graph {
  const { lowered, writing } = takenApart(graph);
  for (const weight of writing) while (!weight.next().done);
  return lowered;
}

/** The same, with turns of the event loop between the pieces of large weights that are written out. */
export async function lowerInTurns(graph: Graph, signal: AbortSignal | undefined): Promise<Graph> {
  const { lowered, writing } = takenApart(graph);
  for (const weight of writing)
    while (!weight.next().done) {
      await nextTurn();
      throwIfAborted(signal);
    }
  return lowered;
}

function takenApart(graph: Graph): { lowered: Graph; writing: readonly Generator<void>[] } {
  refuseBlockedLayouts(graph);
  const initializers = new Map(graph.initializers);
  const lowering = new Lowering(graph, initializers);
  for (const node of graph.nodes) {
    if (lowering.isDropped(node)) continue;
    checkArity(node);
    lowering.shapes.follow(node);
    const table = tableOf(node);
    const converter = Object.hasOwn(table, node.op) ? table[node.op] : undefined;
    if (converter?.(node, lowering) || passOn(node, lowering) || repeatsDequantize(node, lowering)) continue;
    if (repeatsQuantize(node, lowering)) continue;
    if (node.op === 'QuantizeLinear') lowering.quantized.set(node.outputs[0]!, parametersAt(node, 1));
    lowering.push(node);
  }
  const lowered = new Graph({ ...partsOf(graph), nodes: lowering.finished(), initializers });
  return { lowered, writing: lowering.writing };
}

/**
 * Inputs that operators taken apart here cannot do without, by position, where these are not the first two: the runtime has
 * not looked at the graph yet.
 */
const REQUIRED: Readonly<Record<string, readonly number[]>> = {
  GRU: [0, 1, 2],
  LSTM: [0, 1, 2],
  BiasAdd: [0, 1, 2],
  EmbedLayerNormalization: [0, 2, 3, 5, 6],
  GroupNorm: [0, 1, 2],
  GroupQueryAttention: [0],
  MatMulBnb4: [0, 1, 2],
  MatMulNBits: [0, 1, 2],
  NhwcMaxPool: [0],
  QAttention: [0, 1, 2, 3, 4],
  QLinearConv: [0, 1, 2, 3, 4, 5, 6, 7],
  QLinearMatMul: [0, 1, 2, 3, 4, 5, 6, 7],
  RNN: [0, 1, 2],
  DynamicQuantizeMatMul: [0, 1, 2],
  FastGelu: [0],
  ScaledSiLU: [0],
  Trilu: [0],
  Gelu: [0],
  MatMulIntegerToFloat: [0, 1, 2, 3],
  MultiHeadAttention: [0],
  QGemm: [0, 1, 3, 4],
  QLinearAdd: [0, 1, 3, 4, 6],
  QLinearAveragePool: [0, 1, 3],
  QLinearConcat: [0, 2, 3],
  QLinearGlobalAveragePool: [0, 1, 3],
  QLinearLeakyRelu: [0, 1, 3],
  QLinearMul: [0, 1, 3, 4, 6],
  QLinearSigmoid: [0, 1, 3],
  QLinearSoftmax: [0, 1, 3],
  QLinearWhere: [0, 1, 2, 4, 5, 7],
  QuickGelu: [0],
  RotaryEmbedding: [0, 1, 2],
  SkipGroupNorm: [0, 1, 2, 3],
  SkipLayerNormalization: [0, 1, 2],
  SkipSimplifiedLayerNormalization: [0, 1, 2],
};
const STEPWISE: ReadonlySet<string> = new Set(['GRU', 'LSTM', 'RNN']);
const QUANTIZERS: ReadonlySet<string> = new Set(['QuantizeLinear', 'DequantizeLinear']);

/** @throws OnnxCamError `ERR_MODEL_INVALID` for a node without inputs or an output that its operator must have */
function checkArity(node: GraphNode): void {
  const table = tableOf(node);
  if (!Object.hasOwn(table, node.op) && !(node.domain === '' && QUANTIZERS.has(node.op))) return;
  const missing = (REQUIRED[node.op] ?? [0, 1]).find(position => !node.inputs[position]);
  // Of a recurrent operator any output may be left out.
  const made = STEPWISE.has(node.op) ? node.outputs.some(output => output !== '') : node.outputs[0];
  if (missing === undefined && made) return;
  throw new OnnxCamError(
    'ERR_MODEL_INVALID',
    `the ${node.op} node "${node.name}" lacks ${missing === undefined ? 'its output' : `its input ${missing}`}`,
  );
}

function tableOf({ domain }: GraphNode): Readonly<Record<string, Converter>> {
  return domain === '' ? STANDARD : domain === 'com.microsoft' ? MICROSOFT : {};
}

function partsOf({ inputs, outputs, opsets, irVersion, metadata, about }: Graph) {
  return { inputs, outputs, opsets, irVersion, metadata, about };
}

/** A QuantizeLinear that only makes for another reader what there is already. */
function repeatsQuantize(node: GraphNode, lowering: Lowering): boolean {
  if (node.op !== 'QuantizeLinear') return false;
  const [output] = node.outputs as [string];
  const { graph } = lowering;
  const readers = graph.consumers(output);
  if (readers.some(({ op }) => op !== 'DequantizeLinear') || graph.outputs.some(({ name }) => name === output))
    return false;
  return lowering.isQuantizedAgain(node.inputs[0]!, parametersAt(node, 1), output);
}

/** A DequantizeLinear of what is dequantised already is that tensor under another name. */
function repeatsDequantize(node: GraphNode, lowering: Lowering): boolean {
  const source = lowering.graph.producer(node.inputs[0] ?? '');
  if (node.op !== 'DequantizeLinear' || !source) return false;
  const [output] = node.outputs as [string];
  const known = lowering.knownFloat(node.inputs[0]!, parametersAt(node, 1), output);
  if (known !== undefined) lowering.emit('Identity', [known], {}, output, node.name);
  return known !== undefined;
}

function refuseBlockedLayouts(graph: Graph): void {
  const blocked = graph.nodes.find(({ domain }) => domain === 'com.microsoft.nchwc');
  if (!blocked) return;
  throw new OnnxCamError(
    'ERR_MODEL_UNSUPPORTED',
    `the model was saved by ONNX Runtime at its highest optimisation level: ${blocked.op} (node "${blocked.name}") keeps ` +
      'feature maps in blocks that fit one processor; use the model before optimisation, or save it at level "extended"',
  );
}
