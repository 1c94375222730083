import { Recent } from '../common/recent.ts';
import { RecentWork } from '../common/shared-work.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { Graph } from '../model/graph/graph.ts';
import { type OpenSizes, ofOneSize, openGraph, widen } from '../model/graph/open-sizes.ts';
import { readTensor } from '../model/graph/tensor-values.ts';

const KEPT_SIZES = 32;
/** Keys, and for each the graphs that differ in more than constants. */
const KEPT_KEYS = 16;
const KEPT_FORMS = 4;

/** What a size needs of a graph that serves several. */
export interface SizedGraph<G> {
  /** Equal for sizes that one session serves. */
  readonly key: string;
  /** What was built for the size that came first: of the same names. */
  readonly made: G;
  /** The graph to run. */
  open(): Graph;
  /** It serves several sizes. */
  readonly anySize: boolean;
  /** This size's constants, which are inputs of the graph. */
  readonly feeds: Readonly<Record<string, Tensor>>;
}

interface Form<G> {
  readonly name: string;
  readonly made: G;
  open: OpenSizes;
  /** How often it was opened further. */
  version: number;
}

/**
 * Graphs made of one model at many sizes. A session costs hundreds of milliseconds, a graph a few, so each size's is made,
 * and where it differs from an earlier one in constants alone both are served by one session. The first size keeps a session
 * with its constants inside.
 */
export class GraphsBySize {
  readonly #sized = new RecentWork<string, SizedGraph<unknown>>(KEPT_SIZES);
  readonly #forms = new Recent<string, Form<unknown>[]>(KEPT_KEYS);
  readonly #shared: boolean;
  #count = 0;

  /** @param shared false where the runtime needs constants: other execution providers compile the graph for its shapes */
  constructor(shared: boolean) {
    this.#shared = shared;
  }

  /**
   * @param key equal where the graphs are equal at one size, and stand for the same kind of `G`
   * @param build its signal fires when nobody waits for the graph any more
   * @throws `ERR_ABORTED` as soon as the signal fires, and what `build` throws
   */
  at<G extends { readonly graph: Graph }>(
    key: string,
    size: string,
    build: (signal: AbortSignal) => Promise<G>,
    signal: AbortSignal | undefined,
  ): Promise<SizedGraph<G>> {
    const fit = async (signal: AbortSignal) => this.#fit(key, await build(signal));
    return this.#sized.get(`${size} ${key}`, fit, signal) as Promise<SizedGraph<G>>;
  }

  #fit<G extends { readonly graph: Graph }>(key: string, made: G): SizedGraph<G> {
    const forms = this.#forms.get(key, () => []) as Form<G>[];
    for (const form of this.#shared ? forms : []) {
      const open = widen(form.open, made.graph);
      if (!open) continue;
      if (open !== form.open) form.version++;
      form.open = open;
      return sized(form, made.graph);
    }
    const form: Form<G> = { name: `${key} ${this.#count++}`, made, open: ofOneSize(made.graph), version: 0 };
    forms.push(form);
    if (forms.length > KEPT_FORMS) forms.shift();
    return sized(form, made.graph);
  }
}

function sized<G>({ name, made, open, version }: Form<G>, graph: Graph): SizedGraph<G> {
  const feeds = [...open.lifted.keys()].map(constant => [constant, readTensor(graph.initializers.get(constant)!)]);
  return {
    key: `${name}.${version}`,
    made,
    anySize: version > 0,
    open: () => openGraph(open),
    feeds: Object.fromEntries(feeds),
  };
}
