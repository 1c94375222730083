import type { Tensor } from '../engine/tensor.ts';
import type { InputChange, InputSize, Size } from '../image/geometry.ts';
import type { ImageLayout } from '../image/layout.ts';
import type { Maps } from '../kernels/types.ts';
import type { Convention, LayerTensors, ParamSpec, ParamValue } from '../methods/definition.ts';

/** An input that was made of another one. */
export interface ChangedInput {
  /** [1, …] in the layout of the model's input. */
  readonly tensor: Tensor<'float32'>;
  /** How the input that it was made of lies in it; by default pixel on pixel. `'elsewhere'`: in no way that axes can tell. */
  readonly change?: InputChange | 'elsewhere';
}

/** What one method made of one input with one of its sets of layers: N maps, one for each target, or one for all. */
export interface InputMaps {
  /** [N, h, w] of each layer: before the outermost ReLU, normalisation and resizing. */
  readonly raw: readonly Maps[];
  /** [N, h, w] in [0, 1], at the resolution where the convention ends. */
  readonly finished: Maps;
  /** Of methods that are sums over channels, for techniques that ask for them: what they are made of, of each layer. */
  readonly tensors?: readonly LayerTensors[];
}

/** What a target's score is of an input. */
export interface TargetScore {
  readonly score: number;
  /** Null for what is no class. */
  readonly probability: number | null;
}

/** The scores of one input, by a forward pass. */
export interface InputScores {
  /** One for each target. */
  readonly targets: readonly TargetScore[];
  /** The class with the largest logit. */
  readonly best: number;
}

/** What is made of one input: of each slot, in the order of `TechniqueSubject.slots`. */
export interface ExplainedInput {
  readonly maps: readonly InputMaps[];
  /** For techniques that ask for them. */
  readonly scores?: InputScores;
}

/** A method with one of its sets of layers. */
export interface Slot {
  readonly method: string;
  readonly convention: Convention;
  /** Whether its raw values below 0 count for nothing. */
  readonly relu: boolean;
  /** Finished maps of several layers, of one size, as one. */
  fuse(layers: readonly Maps[]): Promise<Maps>;
  /** The method's own values of one layer's tensors that no run gave, or of some of their channels; where inputs have `tensors`. */
  ofTensors(tensors: LayerTensors, size: InputSize): Promise<Maps>;
}

/** What a technique made for a slot: raw values that are then finished as the convention says, or a finished map. */
export type Merged =
  | { readonly raw: readonly Maps[]; readonly warnings?: readonly string[] }
  | { readonly finished: Maps; readonly warnings?: readonly string[] };

/** Inputs, made when they are asked for. */
export type Inputs = Iterable<ChangedInput> | AsyncIterable<ChangedInput>;

/** One input that is explained, and what explains others in its place: the method, or another technique around it. */
export interface TechniqueSubject {
  readonly tensor: Tensor<'float32'>;
  readonly layout: ImageLayout;
  readonly size: InputSize;
  readonly slots: readonly Slot[];
  /** Whether targets were asked for by their rank ('top1'); they are explained as the classes that have it in the clean picture. */
  readonly byRank: boolean;
  readonly seed: number;
  /** Black in the units of the network's input, one value a channel. */
  black(): readonly number[];
  readonly signal?: AbortSignal;
  /** The model takes inputs of this size alone. */
  readonly fixedSize: boolean;
  /** The picture preprocessed anew for another input size; none for tensors and for inputs that were changed already. */
  readonly picture?: (size: Size) => Promise<Tensor<'float32'>>;
  /**
   * Explains inputs for the same targets, some at once, and gives what is made of them in their order. `subject.tensor` itself
   * costs nothing more.
   * @param total how many there are, for progress
   * @param stretch the share of all its inputs that these are, where the technique asks more than once (default: all)
   */
  explain(
    inputs: Inputs,
    total: number,
    stretch?: readonly [number, number],
  ): AsyncGenerator<ExplainedInput, void, void>;
  /** Forward passes alone, likewise. */
  scores(inputs: Inputs, total: number, stretch?: readonly [number, number]): AsyncGenerator<InputScores, void, void>;
}

/** As methods' parameters; `numbers`: a list of them. */
export type TechniqueParam =
  | ParamSpec
  | {
      readonly type: 'numbers';
      readonly default: readonly number[];
      readonly min?: number;
      readonly max?: number;
      /** Whole numbers. */
      readonly whole?: true;
      readonly description: string;
    };

export type TechniqueParams = Readonly<Record<string, ParamValue | readonly number[] | undefined>>;

/** What a technique needs. */
export interface TechniqueNeeds {
  /** Inputs of other sizes than the model's. */
  readonly sizes?: true;
  /** `InputMaps.tensors`. */
  readonly tensors?: true;
  /** `ExplainedInput.scores`. */
  readonly scores?: true;
}

/** What sharpens the maps of any method: explains changed inputs, brings the maps back, merges them. */
export interface TechniqueDefinition {
  /** Canonical name: lower case with hyphens. */
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly title: string;
  /** Where it comes from. */
  readonly paper: string;
  /** M the method once, F a forward pass of the network. */
  readonly cost: string;
  readonly params?: Readonly<Record<string, TechniqueParam>>;
  readonly needs?: TechniqueNeeds;
  /** It takes volumes and clips too. */
  readonly volumes?: true;
  /** @returns for each slot what its maps became */
  apply(subject: TechniqueSubject, params: TechniqueParams): Promise<readonly Merged[]>;
}

export function defineTechnique<T extends TechniqueDefinition>(definition: T): T {
  return definition;
}
