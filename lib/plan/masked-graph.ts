import { plus } from '../autodiff/blocked.ts';
import { differentiationSteps } from '../autodiff/differentiate.ts';
import { Emitter } from '../autodiff/emitter.ts';
import { reduce } from '../autodiff/forms.ts';
import type { Value } from '../autodiff/value.ts';
import type { Steps } from '../common/slices.ts';
import { expose } from '../model/graph/expose.ts';
import type { FactTable, TensorFacts } from '../model/graph/facts.ts';
import { type Graph, makeNode } from '../model/graph/graph.ts';
import { codeOfType } from '../model/graph/tensor-values.ts';
import { describeValue, makeValueInfo } from '../model/graph/value-info.ts';
import type { Model } from '../model/load-model.ts';
import { roundedCast } from '../model/rewrite/picture-input.ts';
import type { MaskNormalization } from '../scoring/mask-optimizer.ts';
import type { ScoreView } from '../targets/target.ts';
import { asFloat32, asRows } from './conversions.ts';
import { orNameAlternatives } from './no-gradient.ts';
import type { ScoreHead } from './score-head.ts';
import { appendDenseSeeds } from './score-views.ts';

/** Inputs: one image as the network gets it, one image's feature maps [1, C, h, w], channel weights [N, C]; all float32. */
export const MASKED_IMAGE = 'onnx_cam/masked/image';
export const MASKED_ACTIVATIONS = 'onnx_cam/masked/activations';
export const MASK_WEIGHTS = 'onnx_cam/masked/weights';

/** Name of a dynamic number of rows, which weights and seeds share. */
const ROWS = 'onnx_cam_rows';

/** Keeps the mask of a map that is equal everywhere at 0 instead of NaN; far below what is added to in float32. */
const EPSILON = 1e-12;

/** The network behind a mask of one image. */
export interface MaskedGraph {
  readonly graph: Graph;
  /** Outputs, float32: [N, classes], and the gradient of the seeded scores with respect to the weights [N, C]. */
  readonly logits: string;
  readonly gradient: string;
}

export interface MaskedGraphOptions {
  /** Size of the layer's feature maps. */
  readonly maps: readonly [channels: number, height: number, width: number];
  readonly normalization: MaskNormalization;
  /** Black in the units of the network's input, for each of its channels. */
  readonly black: readonly number[];
  /** The views that are seeded, dense. */
  readonly views: readonly ScoreView[];
}

/**
 * Puts a mask in front of the model: S(u) = n(U(Σ_k softmax(u)_k max(A_k, 0))) with U bilinear with half-pixel centres, and
 * the network's input black + S ⊙ (x − black), which is what normalising the masked picture gives. Then the backward nodes
 * from the scores to u, through the whole network.
 * @throws `ERR_NO_GRADIENT`
 */
export function* maskedGraph(
  model: Model,
  facts: FactTable,
  head: ScoreHead,
  { maps, normalization, black, views }: MaskedGraphOptions,
): Steps<MaskedGraph> {
  const graph = model.graph.clone();
  graph.outputs.length = 0;
  const known = new Map(facts);
  prependMask(graph, known, model, { maps, normalization, black });
  const { rows } = asRows(graph, known, head, true);
  const count = known.get(rows)!.dims[0]!;
  const declared = count === -1 ? ROWS : undefined;
  const seeds = appendDenseSeeds(graph, known, head, rows, { views, rows: count, declared });
  const differentiated = yield* orNameAlternatives(
    differentiationSteps({ graph, facts: known, seeds, wrt: [MASK_WEIGHTS] }),
  );
  for (const [name, one] of differentiated.facts) known.set(name, one);
  return {
    graph,
    logits: expose(graph, asFloat32(graph, known, rows), known),
    gradient: expose(graph, differentiated.gradients.get(MASK_WEIGHTS)!, known),
  };
}

/** Replaces the image input by nodes that make it. */
function prependMask(
  graph: Graph,
  facts: Map<string, TensorFacts>,
  { input }: Model,
  { maps: [channels, height, width], normalization, black }: Omit<MaskedGraphOptions, 'views'>,
): void {
  const { type, dims } = facts.get(input.name)!;
  const index = graph.inputs.findIndex(({ name }) => name === input.name);
  const declared = describeValue(graph.inputs[index]!).dims!;
  const fed = (name: string, size: readonly number[], shape: readonly (number | string)[] = size): Value => {
    graph.inputs.push(makeValueInfo(name, 'float32', shape));
    facts.set(name, { type: 'float32', dims: size });
    return { name, type: 'float32', dims: size };
  };
  graph.inputs.splice(index, 1);
  // One image stands for all rows of weights.
  const image = fed(MASKED_IMAGE, [1, ...dims.slice(1)], [1, ...declared.slice(1)]);
  const activations = fed(MASKED_ACTIVATIONS, [1, channels, height, width]);
  const weights = fed(MASK_WEIGHTS, [dims[0]!, channels], [dims[0] === -1 ? ROWS : dims[0]!, channels]);

  const network = graph.nodes;
  graph.replaceNodes([]);
  const emit = new Emitter(graph, facts, 'onnx_cam_mask');
  const share = emit.reshape(emit.node('Softmax', [weights], weights, { axis: 1 }), [dims[0]!, 1, channels]);
  const maps = emit.reshape(emit.unary('Relu', activations), [1, channels, height * width]);
  const sum = emit.reshape(emit.matMul(share, maps), [dims[0]!, height, width]);
  const channelsLast = input.layout === 'nhwc';
  const [imageHeight, imageWidth] = (channelsLast ? dims.slice(1, 3) : dims.slice(2)) as [number, number];
  // Two products with constant matrices: every opset has them, and their gradients are exact.
  const rowsOf = emit.constant(bilinearMatrix(height, imageHeight).flat(), 'float32', [imageHeight, height]);
  const columnsOf = emit.transpose(
    emit.constant(bilinearMatrix(width, imageWidth).flat(), 'float32', [imageWidth, width]),
    [1, 0],
  );
  const mask = normalized(emit, emit.matMul(emit.matMul(rowsOf, sum), columnsOf), normalization);
  const shown = emit.reshape(
    mask,
    channelsLast ? [dims[0]!, imageHeight, imageWidth, 1] : [dims[0]!, 1, imageHeight, imageWidth],
  );
  const masked = onBlack(emit, image, shown, black, channelsLast ? [1, 1, 1, black.length] : [1, black.length, 1, 1]);
  if (type.includes('int')) graph.append(...roundedCast(graph, masked.name, input.name, type));
  else graph.append(makeNode('Cast', [masked.name], [input.name], { to: codeOfType(type) }));
  for (const [name, one] of emit.facts) facts.set(name, one);
  graph.replaceNodes([...graph.nodes, ...network]);
}

/** black + S ⊙ (x − black). */
function onBlack(emit: Emitter, image: Value, mask: Value, black: readonly number[], shape: readonly number[]): Value {
  if (black.every(value => value === 0)) return emit.mul(mask, image);
  const level = emit.constant(black, 'float32', shape);
  return emit.add(emit.mul(mask, emit.sub(image, level)), level);
}

/** Of maps [N, H, W], each on its own. */
function normalized(emit: Emitter, maps: Value, normalization: MaskNormalization): Value {
  if (normalization === 'sigmoid') return emit.unary('Sigmoid', maps);
  const max = reduce(emit, 'ReduceMax', maps, [1, 2]);
  if (normalization === 'max') return emit.div(maps, plus(emit, max, EPSILON));
  const min = reduce(emit, 'ReduceMin', maps, [1, 2]);
  return emit.div(emit.sub(maps, min), plus(emit, emit.sub(max, min), EPSILON));
}

/** Row i holds what output i takes of each input: linear interpolation, half-pixel centres, edges held. */
function bilinearMatrix(from: number, to: number): number[][] {
  return Array.from({ length: to }, (_, i) => {
    const at = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    return Array.from({ length: from }, (_, j) => Math.max(0, 1 - Math.abs(at - j)));
  });
}
