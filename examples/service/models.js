// The models of the configuration, each with one explainer, loaded when it is first asked for (or before the service is ready). No more
// than `modelsInMemory` are held: another one takes the place of the one that nobody uses and that was not asked for longest.
import { Busy, Refusal } from './errors.js';
import { Model } from './model.js';
import { whilePatient } from './patience.js';

/** How long a model that could not be loaded is not tried again. */
const PAUSE = 10_000;

export class Models {
  #models;
  #config;
  #log;
  #asked = 0;
  #closing = false;

  constructor(config, log) {
    this.#config = config;
    this.#log = log;
    this.#models = config.models.map(model => new Model(model, config));
  }

  /** Those that must be there before the service is ready. @throws what `load` throws */
  async preload() {
    for (const model of this.#models) if (model.settings.preload) await this.#loaded(model);
  }

  /** The first without a name. @throws 404 */
  find(name) {
    const model = name === undefined ? this.#models[0] : this.#models.find(one => one.name === name);
    if (model) return model;
    const names = this.#models.map(one => one.name).join(', ');
    throw new Refusal(404, 'ERR_MODEL_NOT_FOUND', `there is no such model; there are ${names}`);
  }

  get all() {
    return this.#models;
  }

  /**
   * Does a task with a model's explainer, loaded for it where need be. Requests count from here until their answers are drawn: the
   * explainer's own `pending` ends with the map.
   * @throws 503 at once where too many do the same; the signal's reason; what loading and the task throw
   */
  async use(model, signal, task) {
    if (model.isFull) throw queueFull();
    model.users++;
    model.asked = ++this.#asked;
    try {
      return await task(await whilePatient(this.#loaded(model), signal));
    } finally {
      model.users--;
    }
  }

  /** Ends what waits with `ERR_DISPOSED`; runs of the network under way finish. */
  async close() {
    this.#closing = true;
    await Promise.all(this.#models.map(model => model.unload()));
  }

  #loaded(model) {
    if (this.#closing) return Promise.reject(closing());
    if (model.loading) return model.loading;
    if (model.failed && performance.now() - model.failed.at < PAUSE) return Promise.reject(model.failed.error);
    this.#makeRoom();
    const start = performance.now();
    const loading = model.load();
    loading.then(
      () => this.#log.info({ model: model.name, sha256: model.sha256, ms: performance.now() - start }, 'model loaded'),
      error => this.#log.error({ model: model.name, err: error }, 'model not loaded'),
    );
    return loading;
  }

  #makeRoom() {
    const held = this.#models.filter(one => one.loading);
    if (held.length < this.#config.modelsInMemory) return;
    const [idle] = held.filter(one => one.users === 0 && !one.settings.preload).sort((a, b) => a.asked - b.asked);
    if (!idle) throw new Busy('models', 'other models are in use: try again in a while');
    this.#log.info({ model: idle.name }, 'model given up for another');
    idle.unload();
  }
}

export const queueFull = () => new Busy('queue', 'as many requests wait as may: try again in a while');
const closing = () => new Busy('shutdown', 'the service is shutting down: try again');
