import { OnnxCamError } from '../common/errors.ts';
import { named } from '../common/named.ts';
import { Recent } from '../common/recent.ts';
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
}

/** A model as it is for tensors of some shapes, and the sessions of its graphs. */
interface Place {
  readonly model: Model;
  readonly sessions: SessionUse;
  /** By scoring graph. */
  readonly heads: Recent<string | Uint8Array, Promise<{ readonly model: Model; readonly sessions: SessionUse }>>;
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
  readonly #byShapes = new Recent<string, Promise<Place>>(KEPT);
  readonly #byHead = new Recent<string | Uint8Array, Promise<Stage>>(KEPT);

  readonly #byOutput = new Recent<string, Stage>(KEPT);

  constructor(model: Model, sessions: SessionCache, make: (model: Model, sessions: SessionUse) => Stage) {
    this.base = make(model, sessions);
    this.#sessions = sessions;
    this.#make = make;
    this.#place = placeOf(model, sessions);
  }

  /**
   * @throws `ERR_MODEL_UNSUPPORTED` while inputs have no tensor, `ERR_OPTION_INVALID` and `ERR_INPUT_SHAPE` for tensors
   * that the model doesn't take, what reading and probing a model throw
   */
  async of({ head, output, inputs }: StageRequest): Promise<Stage> {
    const { model } = this.#place;
    // Throws: with another name in mind for one that is missing.
    const known = new Set(model.graph.inputs.map(({ name }) => name));
    if (Object.keys(inputs ?? {}).some(name => !known.has(name))) await model.withInputs(inputs!);
    const missing = model.missing.filter(({ name }) => named(inputs, name) === undefined);
    if (missing.length > 0) throw needsInputs(model.input.name, missing);
    if (!inputs || Object.keys(inputs).length === 0) {
      if (head === undefined) return this.ofOutput(output);
      return this.#byHead.get(keyOf(head), async () => {
        const scored = await this.#withHead(this.#place, head);
        return this.#make(scored.model, scored.sessions);
      });
    }
    const fixedInputs = { ...model.fixedInputs, ...inputs };
    const shapes = Object.entries(fixedInputs).map(([name, { type, dims }]) => [name, type, dims]);
    const place = await this.#byShapes.get(JSON.stringify(shapes.sort()), async () =>
      placeOf(await model.withInputs(inputs), this.#sessions.scope()),
    );
    // Equal shapes make equal graphs; only what is fed differs.
    const used = head === undefined ? place : await this.#withHead(place, head);
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

  #withHead({ model, heads }: Place, head: string | URL | Uint8Array) {
    return heads.get(keyOf(head), async () => ({
      model: await model.withHead(head),
      sessions: this.#sessions.scope(),
    }));
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

const placeOf = (model: Model, sessions: SessionUse): Place => ({ model, sessions, heads: new Recent(KEPT) });

const keyOf = (head: string | URL | Uint8Array): string | Uint8Array => (head instanceof URL ? head.href : head);
