import { join } from 'node:path';
import { packageVersion } from '#package';
import { visibleLines } from '../common/visible.ts';
import { runtimeInfo } from '../engine/library.ts';
import { writeFileAtomic } from '../io/atomic-write.ts';
import { failureOf } from './failure.ts';
import type { FailedInput, SavedResult } from './reporter.ts';

/** What a run was. */
export interface ManifestAbout {
  readonly model: { readonly path: string; readonly sha256: string | null };
  readonly interrupted: boolean;
  /** Name of the contact sheet's file. */
  readonly contactSheet: string | undefined;
}

/** `manifest.json`: what a run made, from which model, with which versions. */
export class Manifest {
  readonly #folder: string;
  readonly #results: object[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  get path(): string {
    return join(this.#folder, 'manifest.json');
  }

  addResult({ input, name, explanation, files, boxes }: SavedResult): void {
    this.#results.push({
      input,
      ...(name.image === undefined ? {} : { image: name.image }),
      ...explanation.toJSON(),
      ...(boxes && { boxes }),
      files,
    });
  }

  addFailure({ input, method, error }: FailedInput): void {
    this.#results.push({ input, ...(method === undefined ? {} : { method }), error: failureOf(error) });
  }

  /**
   * Writes the file in one step; what an earlier run left is replaced.
   * @throws `ERR_OUTPUT`
   */
  async write(about: ManifestAbout): Promise<void> {
    const document = {
      created: new Date().toISOString(),
      versions: { 'onnx-cam': packageVersion(), node: process.versions.node, onnxruntime: await runtimeVersion() },
      model: about.model,
      interrupted: about.interrupted,
      contactSheet: about.contactSheet,
      results: this.#results,
    };
    // Somebody will print it on a terminal.
    await writeFileAtomic(this.path, `${visibleLines(JSON.stringify(document, null, 1))}\n`);
  }
}

/** Version of the ONNX Runtime library; null when it cannot be loaded (the run was interrupted before it was). */
async function runtimeVersion(): Promise<string | null> {
  return runtimeInfo().then(
    ({ version }) => version,
    () => null,
  );
}
