import type { Seed } from '../autodiff/differentiate.ts';
import { appendClassSeed, type ClassSeed } from '../autodiff/seed.ts';
import { batchName } from '../model/graph/value-info.ts';
import type { SeedForm } from './plan.ts';
import type { ScoreHead } from './score-head.ts';
import { appendDenseSeeds, appendScoreView } from './score-views.ts';
import type { SeededGraph, Seeding } from './seeding.ts';

const CLASS_PREFIX = 'onnx_cam/class';

/** Seeds that are inputs of the graph, which all logits share. */
export class FedSeeds implements Seeding {
  readonly #head: ScoreHead;
  readonly #form: SeedForm | undefined;
  #classes: ClassSeed | undefined;

  constructor(head: ScoreHead, form: SeedForm | undefined) {
    this.#head = head;
    this.#form = form;
  }

  /** The inputs that say which class each score is of, where the graph takes any. */
  get classFeeds(): ClassSeed['feeds'] | undefined {
    return this.#classes?.feeds;
  }

  seedsOf(seeded: SeededGraph, logits: string): Record<string, Seed> {
    const { graph, facts, manyScores, logits: own } = seeded;
    const form = this.#form;
    const batch = batchName(graph.inputs.filter(({ name }) => name === seeded.input));
    if (form?.kind === 'index') {
      if (!this.#classes) {
        this.#classes = appendClassSeed(graph, facts, own, { manyScores, prefix: CLASS_PREFIX, batch });
        seeded.learn(this.#classes.facts);
      }
      const view = appendScoreView(graph, facts, this.#head, logits, form.view);
      return { [view]: { index: this.#classes.index } };
    }
    const rows = manyScores ? -1 : facts.get(own)!.dims[0]!;
    // Other inputs may have batches of their own.
    const declared = rows === -1 && !manyScores ? batch : undefined;
    return appendDenseSeeds(graph, facts, this.#head, logits, { views: form?.views ?? [], rows, declared });
  }
}
