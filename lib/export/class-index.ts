import type { Emitter } from '../autodiff/emitter.ts';
import { gather } from '../autodiff/forms.ts';
import type { Value } from '../autodiff/value.ts';
import { chosen } from '../methods/support/terms-in-graph.ts';
import { CLASS_INPUT } from '../model/graph/exported.ts';
import { makeValueInfo } from '../model/graph/value-info.ts';
import { repeated } from './repeat.ts';

/** Classes as int64 [N] of a graph that holds scores [N, K]; ranks are found among these. */
export class ClassIndex {
  readonly #scores: Value;
  readonly #batch: number | string;
  readonly #made = new Map<string, Value>();

  /**
   * @param scores the network's own
   * @param batch the number of images, or the name of an open one
   */
  constructor(scores: Value, batch: number | string) {
    this.#scores = scores;
    this.#batch = batch;
  }

  /** @param index a class, or −1−k for the class of rank k */
  of(emit: Emitter, index: number): Value {
    return this.#once(String(index), () => (index < 0 ? this.#ranked(emit, -1 - index) : this.#fixed(emit, index)));
  }

  /** What {@link CLASS_INPUT} says, which is added to the graph's inputs. */
  fed(emit: Emitter): Value {
    return this.#once(CLASS_INPUT, () => this.#given(emit));
  }

  #once(key: string, make: () => Value): Value {
    const known = this.#made.get(key) ?? make();
    this.#made.set(key, known);
    return known;
  }

  #fixed(emit: Emitter, index: number): Value {
    const [count] = this.#scores.dims as [number];
    if (count !== -1) return emit.constant(index, 'int64', [count]);
    const images = gather(emit, emit.shapeOf(this.#scores), 0, [0]);
    return repeated(emit, emit.constant(index, 'int64', [1]), images, [count]);
  }

  /** Of equal scores the first class. */
  #ranked(emit: Emitter, rank: number): Value {
    const [count, classes] = this.#scores.dims as [number, number];
    // The runtime's ArgMax and TopK take no half precision.
    const scores = emit.cast(this.#scores, 'float32');
    const index = { type: 'int64' as const, dims: [count] };
    if (rank === 0) return emit.node('ArgMax', [scores], index, { axis: 1, keepdims: 0 });
    const best = { type: 'int64' as const, dims: [count, rank + 1] };
    const values = { type: scores.type, dims: best.dims };
    const [, classesOf] =
      emit.opset < 10
        ? emit.nodes('TopK', [scores], [values, best], { axis: 1, k: rank + 1 })
        : emit.nodes('TopK', [scores, emit.ints([rank + 1])], [values, best], { axis: 1 });
    if (classes === 1) return emit.reshape(classesOf!, [count]);
    return emit.reshape(gather(emit, classesOf!, 1, [rank]), [count]);
  }

  /**
   * c where it is a class, the best class where it is −1. Anything else below zero becomes K, which no runtime takes for
   * a class: as an index it would count from the end.
   */
  #given(emit: Emitter): Value {
    const [count, classes] = this.#scores.dims as [number, number];
    emit.graph.inputs.push(makeValueInfo(CLASS_INPUT, 'int64', [this.#batch]));
    const given: Value = { name: CLASS_INPUT, type: 'int64', dims: [count] };
    emit.facts.set(CLASS_INPUT, given);
    const asked = emit.equal(given, emit.ints([-1]));
    // Where and comparisons of whole numbers are newer than opset 7; sums of products are not.
    const below = emit.cast(
      emit.node('Less', [emit.cast(given, 'float32'), emit.constant(-1.5, 'float32', [1])], {
        type: 'bool',
        dims: [count],
      }),
      'int64',
    );
    const best = this.of(emit, -1);
    return chosen(emit, asked, chosen(emit, below, given, emit.ints([classes])), best);
  }
}
