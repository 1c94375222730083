import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OutputStore } from '../../stores/output-store.ts';

/** Milliseconds between two uploads, at least. */
const PAUSE = 10_000;
/** By how much a manifest has grown when it is uploaded again: all uploads together are five times what the last one is. */
const GROWTH = 1.25;

/**
 * A manifest that goes to a server, where nothing can be added to a file: it grows in a temporary folder here, and is uploaded whole
 * from time to time and at the end. An interruption by force costs what came after the last upload.
 */
export class ManifestSpool {
  readonly #store: OutputStore;
  readonly #name: string;
  readonly #folder: string;
  #uploaded = 0;
  #last = performance.now();

  private constructor(store: OutputStore, name: string, folder: string) {
    this.#store = store;
    this.#name = name;
    this.#folder = folder;
  }

  static async open(store: OutputStore, name: string): Promise<ManifestSpool> {
    return new ManifestSpool(store, name, await mkdtemp(join(tmpdir(), 'onnx-cam-')));
  }

  get path(): string {
    return join(this.#folder, this.#name);
  }

  /** @returns where the one that is there lies now; undefined where there is none */
  async fetchEarlier(): Promise<string | undefined> {
    const path = join(this.#folder, 'earlier.jsonl');
    return (await this.#store.getFile(this.#name, path)) ? path : undefined;
  }

  /** @param size bytes of it by now */
  async grown(size: number): Promise<void> {
    if (size < this.#uploaded * GROWTH || performance.now() - this.#last < PAUSE) return;
    await this.upload();
    this.#uploaded = size;
  }

  /** @throws `ERR_OUTPUT` */
  async upload(): Promise<void> {
    await this.#store.putFile(this.#name, this.path);
    this.#last = performance.now();
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}
