import { mkdir, realpath, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { FastifyRequest } from 'fastify';
import { packageVersion } from '#package';
import { throwIfAborted } from '../common/errors.ts';
import { Turns } from '../common/turns.ts';
import type { LoadOptions } from '../index.ts';
import { folderError } from '../io/output-error.ts';
import { makeTemporaryFolder, removeTemporaryFolder } from '../io/temporary-folder.ts';
import { answer } from './answer.ts';
import type { Interim, ServedExplanation, ServedModel, ServedPicture, ServeState } from './api.ts';
import { HeldModel, type ModelSource, servedTechniques } from './held-model.ts';
import { HeldPicture } from './held-picture.ts';
import type { ServeLimits } from './limits.ts';
import { sortModelFiles } from './model-files.ts';
import type { Question } from './question.ts';
import { type ReceivedFile, type Receiving, receiveFiles } from './receive.ts';
import { Refusal } from './refusal.ts';
import { makeId, Shelf } from './shelf.ts';

/** Files of one upload of a model: its weights may be many. */
const MODEL_FILES = 64;

/** The model that a server was started with. */
export interface GivenModel {
  readonly path: string;
  readonly options: LoadOptions;
  readonly source: ModelSource;
}

/** The models and pictures of a server, in a folder that goes with it. */
export class Stock {
  /** Where uploads lie. */
  readonly folder: string;
  readonly #made: string;
  readonly #limits: ServeLimits;
  readonly #running: LoadOptions;
  readonly #models: Shelf<HeldModel>;
  readonly #pictures: Shelf<HeldPicture>;
  readonly #closed = new AbortController();
  /** Models take all cores and much memory while they are loaded. */
  readonly #loading = new Turns(1);
  #uploads = 0;

  private constructor(made: string, folder: string, limits: ServeLimits, running: LoadOptions) {
    this.#made = made;
    this.folder = folder;
    this.#limits = limits;
    this.#running = running;
    this.#models = new Shelf('model', 'ERR_MODEL_NOT_FOUND', limits.models);
    this.#pictures = new Shelf('picture', 'ERR_IMAGE_NOT_FOUND', limits.pictures);
  }

  /** @param running how all models are run @throws `ERR_OUTPUT` */
  static async open(limits: ServeLimits, running: LoadOptions): Promise<Stock> {
    const made = await makeTemporaryFolder('onnx-cam-serve-').catch(cause => {
      throw folderError('of temporary files', cause);
    });
    return new Stock(made, await realpath(made), limits, running);
  }

  get state(): ServeState {
    const { model, picture } = this.#limits;
    return {
      version: packageVersion(),
      limits: { model, picture },
      models: this.#models.all.map(({ served }) => served),
      pictures: this.#pictures.all.map(({ served }) => served),
      techniques: servedTechniques(),
    };
  }

  /** Loads the model that stays. @throws what `load` throws */
  async give({ path, options, source }: GivenModel, signal: AbortSignal): Promise<void> {
    const { size } = await stat(path).catch(() => ({ size: 0 }));
    const name = basename(path);
    const { waiting: mostWaiting } = this.#limits;
    const model = await HeldModel.load(
      { path, name, bytes: size, isFixed: true, options, source, mostWaiting },
      signal,
    );
    await this.#models.add(model);
  }

  /** @param gone fires when nobody waits for the answer @throws Refusal, and what `load` throws */
  async takeModel(request: FastifyRequest, gone: AbortSignal): Promise<ServedModel> {
    const limit = {
      limit: this.#limits.model,
      most: MODEL_FILES,
      code: 'ERR_MODEL_UNSUPPORTED',
      noun: 'model',
    } as const;
    return this.#take(request, limit, async (files, folder) => {
      const { model: file, labels } = await sortModelFiles(files);
      const named = labels && { labels: labels.name };
      const signal = AbortSignal.any([gone, this.#closed.signal]);
      const model = await this.#loading.take(
        () =>
          HeldModel.load(
            {
              path: file.path,
              name: file.name,
              bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
              isFixed: false,
              options: { ...this.#running, ...(labels && { labels: labels.path }) },
              source: { path: file.name, args: labels ? ['--labels', labels.name] : [], load: { ...named } },
              folder,
              mostWaiting: this.#limits.waiting,
            },
            signal,
          ),
        signal,
      );
      await this.#keep(this.#models, model);
      return model.served;
    });
  }

  /** @throws Refusal, `ERR_IMAGE_INVALID`, `ERR_ADDON` */
  async takePicture(request: FastifyRequest): Promise<ServedPicture> {
    const limit = { limit: this.#limits.picture, most: 1, code: 'ERR_IMAGE_INVALID', noun: 'picture' } as const;
    return this.#take(request, limit, async ([file], folder) => {
      const { limitInputPixels } = this.#running;
      const picture = await HeldPicture.read(file!, folder, { limitInputPixels });
      await this.#keep(this.#pictures, picture);
      return picture.served;
    });
  }

  removeModel(id: string): Promise<void> {
    return this.#models.remove(id);
  }

  removePicture(id: string): Promise<void> {
    return this.#pictures.remove(id);
  }

  /**
   * Explains when it is this question's turn.
   * @param signal ends waiting and work
   * @throws at once Refusal for what isn't there, `ERR_BUSY`
   * @returns rejects with what `explain` throws
   */
  explain(question: Question, signal: AbortSignal, tell: (event: Interim) => void): Promise<ServedExplanation> {
    const model = this.#models.use(question.model);
    this.#pictures.use(question.picture);
    const work = (signal: AbortSignal): Promise<ServedExplanation> => {
      // It may be gone by now.
      const picture = this.#pictures.use(question.picture);
      return answer(model, picture, question, {
        signal,
        onProgress: ({ done, total }) => tell({ type: 'progress', done, total }),
      }).catch(error => {
        this.#pictures.use(question.picture);
        throw error;
      });
    };
    return model.queue.join(async signal => work(signal), {
      signal,
      moved: before => tell({ type: 'waiting', before }),
    });
  }

  /** Ends all work and removes what was uploaded. */
  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all([this.#models.clear(), this.#pictures.clear()]);
    await removeTemporaryFolder(this.#made);
  }

  async #take<T>(
    request: FastifyRequest,
    limit: Omit<Receiving, 'folder' | 'patience'>,
    use: (files: readonly ReceivedFile[], folder: string) => Promise<T>,
  ): Promise<T> {
    if (this.#uploads >= this.#limits.uploads)
      throw new Refusal(503, 'ERR_BUSY', `${this.#uploads} uploads are on their way already: try again in a while`);
    this.#uploads++;
    const folder = join(this.folder, makeId());
    try {
      await mkdir(folder, { mode: 0o700 }).catch(cause => {
        throw folderError(this.folder, cause);
      });
      return await use(await receiveFiles(request, { ...limit, folder, patience: this.#limits.patience }), folder);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    } finally {
      this.#uploads--;
    }
  }

  /** What comes when all is over is let go again. */
  async #keep<T extends HeldModel | HeldPicture>(shelf: Shelf<T>, one: T): Promise<void> {
    if (this.#closed.signal.aborted) await one.discard();
    throwIfAborted(this.#closed.signal);
    await shelf.add(one);
  }
}
