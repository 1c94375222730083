// One model: its explainer, how many requests use it, and how it is loaded and released.
import { load } from 'onnx-cam';

/** A picture for the first run. */
const GREY = { data: new Uint8Array(64 * 64 * 3).fill(128), info: { width: 64, height: 64, channels: 3 } };

export class Model {
  /** Requests that wait for it, are explained, or whose answers are drawn. */
  users = 0;
  /** When it was last asked for, in requests. */
  asked = 0;
  /** The promise of an explainer, from the moment that it is wanted. */
  loading;
  /** The explainer, where it is there. */
  cam;
  failed;
  sha256;
  #config;

  constructor(settings, config) {
    this.settings = settings;
    this.name = settings.name;
    this.#config = config;
  }

  get isFull() {
    return this.users >= this.#config.maxQueue;
  }

  load() {
    const loading = this.#load();
    this.loading = loading;
    loading.then(
      cam => {
        // Unless it was given up meanwhile.
        if (this.loading === loading) this.cam = cam;
      },
      error => {
        this.failed = { error, at: performance.now() };
        if (this.loading === loading) this.loading = undefined;
      },
    );
    return loading;
  }

  async unload() {
    const { loading } = this;
    this.loading = this.cam = undefined;
    await loading?.then(cam => cam.dispose()).catch(() => undefined);
  }

  async #load() {
    const { path, methods, options } = this.settings;
    const { maxQueue, maxPixels } = this.#config;
    const cam = await load(path, { limitInputPixels: maxPixels, ...options, maxQueue });
    try {
      const [unsupported] = cam.unsupported(methods).values();
      if (unsupported) throw unsupported;
      // Sessions are made when they are first needed, which costs tens of runs: not at the first client's expense.
      await cam.explain(GREY, { method: methods[0] });
      this.sha256 = await cam.sha256();
    } catch (error) {
      await cam.dispose();
      throw error;
    }
    return cam;
  }
}
