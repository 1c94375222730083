import { rm } from 'node:fs/promises';
import { OnnxCamError } from '../common/errors.ts';
import { Explainer } from '../explainer.ts';
import { type LoadOptions, listMethods, listTechniques, load } from '../index.ts';
import type { ServedModel, ServeState } from './api.ts';
import { Queue } from './queue.ts';
import { type Held, makeId } from './shelf.ts';

/** How a model is called on the command line and in a program. */
export interface ModelSource {
  /** As a person would write it. */
  readonly path: string;
  /** Further arguments of the command. */
  readonly args: readonly string[];
  /** The same as options of `load`, as far as they can be written down. */
  readonly load: Readonly<LoadOptions>;
}

export interface ModelToHold {
  /** Where it lies. */
  readonly path: string;
  /** The file's. */
  readonly name: string;
  readonly bytes: number;
  readonly isFixed: boolean;
  readonly options: LoadOptions;
  readonly source: ModelSource;
  /** Removed with the model. */
  readonly folder?: string | undefined;
  /** Explanations that may wait. */
  readonly mostWaiting: number;
}

/** A loaded model with its queue. */
export class HeldModel implements Held {
  readonly id = makeId();
  readonly name: string;
  readonly bytes: number;
  readonly isFixed: boolean;
  readonly cam: Explainer;
  readonly queue: Queue;
  readonly source: ModelSource;
  readonly served: ServedModel;
  readonly #folder: string | undefined;

  private constructor(cam: Explainer, { name, bytes, isFixed, source, folder, mostWaiting }: ModelToHold) {
    this.name = name;
    this.bytes = bytes;
    this.isFixed = isFixed;
    this.cam = cam;
    this.queue = new Queue(mostWaiting);
    this.source = source;
    this.#folder = folder;
    this.served = servedModel(this.id, name, cam);
  }

  /** @throws what `load` throws */
  static async load(model: ModelToHold, signal: AbortSignal): Promise<HeldModel> {
    return new HeldModel(await load(model.path, { ...model.options, signal }), model);
  }

  get isBusy(): boolean {
    return this.queue.length > 0;
  }

  async discard(): Promise<void> {
    this.queue.close(new OnnxCamError('ERR_DISPOSED', `the model ${this.name} was removed`));
    await this.cam.dispose();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }
}

function servedModel(id: string, name: string, cam: Explainer): ServedModel {
  const refused = refusals(cam);
  return {
    id,
    name,
    layers: cam.layers().map(({ name, operator, shape, chosen, reason }) => ({
      name,
      operator,
      shape: shape.map(size => (size < 0 ? null : size)),
      chosen,
      reason,
    })),
    methods: listMethods().map(({ name, title, family, cost }) => ({
      name,
      title,
      family,
      cost,
      refused: refused.get(name)?.message ?? null,
    })),
    labels: Explainer.labelsOf(cam),
  };
}

/** Where the first class can't be explained, other targets may: these refuse by themselves. */
function refusals(cam: Explainer): ReadonlyMap<string, OnnxCamError> {
  try {
    return cam.unsupported(listMethods().map(({ name }) => name));
  } catch (error) {
    if (error instanceof OnnxCamError) return new Map();
    throw error;
  }
}

export const servedTechniques = (): ServeState['techniques'] =>
  listTechniques().map(({ name, title }) => ({ name, title }));
