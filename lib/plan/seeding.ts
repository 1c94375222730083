import type { Seed } from '../autodiff/differentiate.ts';
import type { FactTable, TensorFacts } from '../model/graph/facts.ts';
import type { Graph } from '../model/graph/graph.ts';

/** A graph whose scores are to be differentiated, extended in place. */
export interface SeededGraph {
  readonly graph: Graph;
  readonly facts: Map<string, TensorFacts>;
  /** Name of the image input. */
  readonly input: string;
  /** The tensor with the network's own scores [N, classes]. */
  readonly logits: string;
  /** Several scores of one image are asked for: gradients have a row for each. */
  readonly manyScores: boolean;
  /** Takes over what is known of tensors that were appended. */
  learn(facts: FactTable): void;
}

/** What backward passes start from: fed with every run, or written into the graph. */
export interface Seeding {
  /** Score tensors of some logits [N, classes], of the same classes as the network's own, and their seeds. */
  seedsOf(seeded: SeededGraph, logits: string): Record<string, Seed>;
}
