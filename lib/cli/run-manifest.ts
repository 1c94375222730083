import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type FileLock, lockFile } from '../io/file-lock.ts';
import { ManifestFile } from '../manifest/manifest-file.ts';
import { type ManifestPart, manifestName } from '../manifest/manifest-name.ts';
import { headerLine, type RunHeader } from '../manifest/run-header.ts';
import { type TakenOver, takeOver } from '../manifest/take-over.ts';
import type { OutputStore } from '../stores/output-store.ts';
import type { CommandInput } from './inputs.ts';

/** Whether a run begins anew, goes on, or goes on and does again what failed. */
export type Going = 'anew' | 'on' | 'on, failed again';

export interface RunManifestOptions {
  readonly store: OutputStore;
  /** Where it is one of several. */
  readonly part?: ManifestPart | undefined;
  readonly header: RunHeader;
  readonly inputs: readonly CommandInput[];
  readonly going: Going;
  readonly signal?: AbortSignal;
}

/** The manifest of a run where its results go, and what of its inputs was done before. */
export class RunManifest {
  /** As messages name it. */
  readonly path: string;
  /** Inputs that are to be done. */
  readonly left: readonly CommandInput[];
  readonly taken: TakenOver;
  readonly #file: ManifestFile;
  readonly #held: FileLock | undefined;
  readonly #spool: Spool | undefined;

  private constructor(
    path: string,
    { left, taken, file }: { left: readonly CommandInput[]; taken: TakenOver; file: ManifestFile },
    held: FileLock | undefined,
    spool: Spool | undefined,
  ) {
    this.path = path;
    this.left = left;
    this.taken = taken;
    this.#file = file;
    this.#held = held;
    this.#spool = spool;
  }
}
