import { OnnxCamError } from '../common/errors.ts';
import { isUrl } from '../common/kinds.ts';
import { named } from '../common/named.ts';
import { Recent } from '../common/recent.ts';
import { RecentWork } from '../common/shared-work.ts';
import type { Tensor } from '../engine/tensor.ts';
import { needsInputs } from '../model/find/input.ts';
import type { Model } from '../model/load-model.ts';
import type { SessionCache, SessionUse } from '../network/session-cache.ts';
import type { Stage } from './stage.ts';

/** What a call asks of the model besides the pictures. */
export interface StageRequest {
  /** A scoring graph behind the model. */
  readonly head?: string | URL | Uint8Array | undefined;
  /** The output that all targets name. */
  readonly output?: string | undefined;
  /** Tensors for the other inputs, before those of the explainer. */
  readonly inputs?: Readonly<Record<string, Tensor>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A model as it is for tensors of some shapes, and the sessions of its graphs. */
interface Place {
  readonly model: Model;
  readonly sessions: SessionUse;
  /** By scoring graph. */
  readonly heads: RecentWork<string | Uint8Array, { readonly model: Model; readonly sessions: SessionUse }>;
}

/** Shapes of further inputs, and scoring graphs, whose models are kept. */
const KEPT = 4;

/** What explains with an explainer's model: as it is, with a scoring graph behind it, with other tensors for its inputs. */
export class Stages {
  /** The model as it was loaded. */
  readonly base: Stage;
  readonly #place: Place;
  readonly #sessions: SessionCache;
  readonly #make: (model: Model, sessions: SessionUse) => Stage;
  readonly #byShapes = new RecentWork<string, Place>(KEPT);
  readonly #byHead = new RecentWork<string | Uint8Array, Stage>(KEPT);

  readonly #byOutput = new Recent<string, Stage>(KEPT);

  constructor(model: Model, sessions: SessionCache, make: (model: Model, sessions: SessionUse) => Stage) {
    this.base = make(model, sessions);
    this.#sessions = sessions;
    this.#make = make;
    this.#place = placeOf(model, sessions);
  }

  /**
   * @throws `ERR_MODEL_UNSUPPORTED` while inputs have no tensor, `ERR_OPTION_INVALID` and `ERR_INPUT_SHAPE` for tensors
   * that the model doesn't take, `ERR_ABORTED`, what reading and probing a model throw
   */
  async of({ head, output, inputs, signal }: StageRequest): Promise<Stage> {
    const { model } = this.#place;
    // Throws: with another name in mind for one that is missing.
    const known = new Set(model.graph.inputs.map(({ name }) => name));
    if (Object.keys(inputs ?? {}).some(name => !known.has(name))) await model.withInputs(inputs!);
    const missing = model.missing.filter(({ name }) => named(inputs, name) === undefined);
    if (missing.length > 0) throw needsInputs(model.input.name, missing);
    if (!inputs || Object.keys(inputs).length === 0) {
      if (head === undefined) return this.ofOutput(output);
      const make = async (signal: AbortSignal) => {
        const scored = await this.#withHead(this.#place, head, signal);
        return this.#make(scored.model, scored.sessions);
      };
      return this.#byHead.get(keyOf(head), make, signal);
    }
    const fixedInputs = { ...model.fixedInputs, ...inputs };
    const shapes = Object.entries(fixedInputs).map(([name, { type, dims }]) => [name, type, dims]);
    // Copied: whoever asked first may be gone while others wait, and do as he likes with his tensors.
    const make = async (signal: AbortSignal) =>
      placeOf(await model.withInputs(copies(inputs), signal), this.#sessions.scope());
    const place = await this.#byShapes.get(JSON.stringify(shapes.sort()), make, signal);
    // Equal shapes make equal graphs; only what is fed differs.
    const used = head === undefined ? place : await this.#withHead(place, head, signal);
    return this.#make({ ...explaining(used.model, output), fixedInputs }, used.sessions);
  }

  /** The same for a model whose weights are others. @param sessions of its own */
  like(model: Model, sessions: SessionUse): Stage {
    return this.#make(model, sessions);
  }

  /** The model as it was loaded, with the layers of an output that targets name. */
  ofOutput(output: string | undefined): Stage {
    const { model, sessions } = this.#place;
    if (output === undefined || output === model.logits.output) return this.base;
    return this.#byOutput.get(output, () => this.#make(explaining(model, output), sessions));
  }

  #withHead({ model, heads }: Place, head: string | URL | Uint8Array, signal: AbortSignal | undefined) {
    const make = async (signal: AbortSignal) => ({
      model: await model.withHead(head, signal),
      sessions: this.#sessions.scope(),
    });
    return heads.get(keyOf(head), make, signal);
  }
}

/** An output that has no scores is refused by what reads the target. */
function explaining(model: Model, output: string | undefined): Model {
  if (output === undefined || output === model.logits.output || model.scored) return model;
  try {
    return { ...model, ...model.ofOutput(output) };
  } catch (error) {
    if (error instanceof OnnxCamError) return model;
    throw error;
  }
}

const placeOf = (model: Model, sessions: SessionUse): Place => ({ model, sessions, heads: new RecentWork(KEPT) });

const copies = (inputs: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>> =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, { data, ...rest }]) => [name, { ...rest, data: data.slice() } as Tensor]),
  );

const keyOf = (head: string | URL | Uint8Array): string | Uint8Array => (isUrl(head) ? head.href : head);
