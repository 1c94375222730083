import { oneHot } from '../autodiff/accumulator.ts';
import { scale } from '../autodiff/blocked.ts';
import type { Seed } from '../autodiff/differentiate.ts';
import { Emitter } from '../autodiff/emitter.ts';
import type { Value } from '../autodiff/value.ts';
import { seedFormOf, slopes } from '../network/seeds.ts';
import type { ScoreHead } from '../plan/score-head.ts';
import { appendScoreView } from '../plan/score-views.ts';
import type { SeededGraph, Seeding } from '../plan/seeding.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import { ClassIndex } from './class-index.ts';

/** What an exported model explains. */
export interface WrittenTarget {
  /** With `fed` that of the best class, in whose place the input's comes. */
  readonly target: ResolvedTarget;
  /** The class is an input of the model. */
  readonly fed: boolean;
}

/** Seeds that the graph makes itself: of a fixed target, of the best class, or of a class that is an input. */
export class WrittenSeeds implements Seeding {
  readonly #head: ScoreHead;
  readonly #written: WrittenTarget;
  readonly #batch: number | string;
  #index: ClassIndex | undefined;

  /** @param batch the number of images, or the name of an open one */
  constructor(head: ScoreHead, written: WrittenTarget, batch: number | string) {
    this.#head = head;
    this.#written = written;
    this.#batch = batch;
  }

  seedsOf(seeded: SeededGraph, logits: string): Record<string, Seed> {
    const { graph, facts } = seeded;
    const { target } = this.#written;
    const form = seedFormOf([target]);
    const emit = new Emitter(graph, facts, 'onnx_cam_seed');
    const seeds: Record<string, Seed> = {};
    if (form.kind === 'index') {
      const index = this.classOf(emit, seeded, target.terms[0]!.index);
      seeded.learn(emit.facts);
      return { [appendScoreView(graph, facts, this.#head, logits, form.view)]: { index: index.name } };
    }
    const scores = { name: logits, ...facts.get(logits)! };
    for (const view of form.views) {
      const terms = slopes(target).filter(term => term.view === view);
      const rows = terms.map(({ index, weight }) =>
        scale(emit, oneHot(emit, this.classOf(emit, seeded, index), scores), weight),
      );
      const gradient = rows.reduce((sum, row) => emit.add(sum, row));
      seeded.learn(emit.facts);
      seeds[appendScoreView(graph, facts, this.#head, logits, view)] = { gradient: gradient.name };
    }
    return seeds;
  }

  /** The class [N] that a term of the target means. */
  classOf(emit: Emitter, { facts, logits }: SeededGraph, index: number): Value {
    this.#index ??= new ClassIndex({ name: logits, ...facts.get(logits)! }, this.#batch);
    return this.#written.fed ? this.#index.fed(emit) : this.#index.of(emit, index);
  }
}
