import type { Seed } from '../../autodiff/differentiate.ts';
import type { Steps } from '../../common/slices.ts';
import type { LayerTensors, MethodNeeds } from '../../methods/definition.ts';
import type { FactTable, TensorFacts } from '../../model/graph/facts.ts';
import type { Graph } from '../../model/graph/graph.ts';
import type { TargetLayer } from '../target-layer.ts';

/** A graph that is being extended, as passes see it. */
export interface PassWriter {
  readonly graph: Graph;
  readonly facts: Map<string, TensorFacts>;
  /** The tensor with the rows of scores. */
  readonly logits: string;
  /** The network's score tensors and what their backward passes start from. */
  readonly seeds: Readonly<Record<string, Seed>>;
  /** Several scores of one image are asked for: gradients have a row for each. */
  readonly manyScores: boolean;
  /** See `DifferentiateOptions.blocks`. */
  readonly blocks: boolean;
  /** The gradient of a layer, in the layer's full shape. */
  wholeGradient(layer: string): string;
  /** The score views of other logits of the same classes, with their seeds. */
  seedsOf(logits: string): Readonly<Record<string, Seed>>;
  /** Takes over what is known of tensors that were appended. */
  learn(facts: FactTable): void;
  /** A tensor of a layer's layout as float32 feature maps [N, C, …positions]. */
  featureMaps(tensor: string, layer: TargetLayer): string;
}

/** Layer names and tensors. */
export type AppendedLayers = (readonly [layer: string, tensor: string])[];

/** Something that a run gives of layers besides their activations and the score's gradient. */
export interface Pass {
  /** Whether a method with these needs reads it of this layer. */
  wanted(needs: MethodNeeds, layer: TargetLayer): boolean;
  /** What it is given of: the method's own layers, or the model's input whatever the layers are. */
  readonly of: 'layer' | 'input';
  /** It starts from the score and has a row for each target; else a row for each image. */
  readonly backward: boolean;
  /** Where the method finds it; what has no place there is for scorers. */
  readonly as?: 'gradients' | 'curvature' | 'guided' | 'attributions';
  /**
   * Appends it.
   * @returns layer name and tensor; a layer for which it is zero everywhere may be left out
   * @throws `ERR_NO_GRADIENT`, `ERR_METHOD_UNSUPPORTED`
   */
  append(writer: PassWriter, layers: readonly TargetLayer[]): Steps<AppendedLayers>;
}

/** A field of {@link LayerTensors} for each place. */
export type PassPlace = NonNullable<Pass['as']> & keyof LayerTensors;
