import { OnnxCamError } from '../../common/errors.ts';
import { type FileLock, lockFile } from '../../io/file-lock.ts';
import { ManifestFile } from '../../manifest/manifest-file.ts';
import { type ManifestPart, manifestName } from '../../manifest/manifest-name.ts';
import { headerLine, type RunHeader } from '../../manifest/run-header.ts';
import { type TakenOver, takeOver } from '../../manifest/take-over.ts';
import type { OutputStore } from '../../stores/output-store.ts';
import type { CommandInput, InputFile } from '../inputs/inputs.ts';
import { isCodeOfOneInput } from '../tell/failure.ts';
import { ManifestSpool } from './manifest-spool.ts';

/** Whether a run begins anew, goes on, or goes on and does again what failed. */
export type Going = 'anew' | 'on' | 'on, failed again';

export interface RunManifestOptions {
  readonly store: OutputStore;
  /** Where the run is a part. */
  readonly part?: ManifestPart | undefined;
  readonly header: RunHeader;
  readonly inputs: readonly CommandInput[];
  readonly going: Going;
  /** Whether one that goes on refuses results that were made in another way; else it replaces them. */
  readonly refusesOthers?: boolean;
  readonly signal?: AbortSignal;
  /** Is told every input that an earlier run did, by the first part of its files' names. */
  readonly onTaken?: (stem: string, failed: boolean) => void;
}

/** Milliseconds between two looks whether the file is still this process's. */
const LOOK = 1000;

interface Opened {
  readonly path: string;
  readonly left: readonly CommandInput[];
  readonly taken: TakenOver;
  readonly file: ManifestFile;
  readonly lock: FileLock | undefined;
  readonly spool: ManifestSpool | undefined;
}

/** The manifest of a run where its results go, and what of its inputs was done before. */
export class RunManifest {
  readonly #opened: Opened;
  #looked = performance.now();

  private constructor(opened: Opened) {
    this.#opened = opened;
  }

  /** As messages name it. */
  get path(): string {
    return this.#opened.path;
  }

  /** Inputs that are to be done. */
  get left(): readonly CommandInput[] {
    return this.#opened.left;
  }

  /** What of the earlier manifest holds. */
  get taken(): TakenOver {
    return this.#opened.taken;
  }

  /**
   * Makes this process the one that writes it, takes over what holds of an earlier one, and replaces that.
   * @throws `ERR_OUTPUT`: another process writes it, or it cannot be written; the earlier one then stays
   */
  static async open({
    store,
    part,
    header,
    inputs,
    going,
    refusesOthers = false,
    signal,
    onTaken,
  }: RunManifestOptions): Promise<RunManifest> {
    const name = manifestName(part);
    const isLocal = store.folder !== undefined;
    // What lies on a server is replaced as a whole; only the manifests of parts that a queue hands out keep apart there.
    const lock = isLocal ? await lockFile(store.pathOf(name), { ...(signal && { signal }) }) : undefined;
    const spool = isLocal ? undefined : await ManifestSpool.open(store, name);
    try {
      const taken: TakenOver = { done: 0, failed: 0, difference: undefined };
      const left = new Map<string, string>();
      async function* lines(): AsyncGenerator<string, void, void> {
        yield headerLine(header);
        if (going === 'anew') return;
        for (const input of inputs) if (isFile(input)) left.set(input.stem, input.path);
        const earlier = spool ? await spool.fetchEarlier() : store.pathOf(name);
        const presence = store.presence();
        const areThere = async (names: readonly string[]) =>
          (await Promise.all(names.map(file => presence.has(file)))).every(Boolean);
        // What every input would meet may be mended by now.
        const isTriedAgain = (code: string) => going === 'on, failed again' || !isCodeOfOneInput(code);
        if (earlier !== undefined) yield* takeOver(earlier, { header, left, isTriedAgain, areThere, onTaken }, taken);
        if (refusesOthers && taken.difference !== undefined)
          throw otherRun(store.pathOf(name), `that were made ${taken.difference}`);
      }
      const file = await ManifestFile.begin(spool?.path ?? store.pathOf(name), lines());
      return new RunManifest({
        path: store.pathOf(name),
        left: taken.done === 0 ? inputs : inputs.filter(input => !isFile(input) || left.has(input.stem)),
        taken,
        file,
        lock,
        spool,
      });
    } catch (error) {
      await lock?.release();
      await spool?.remove();
      throw error;
    }
  }

  /**
   * Adds a line.
   * @param last whether it is the input's last one
   * @throws `ERR_OUTPUT`, also where another process has taken over
   */
  async add(line: object, last: boolean): Promise<void> {
    const { file, spool } = this.#opened;
    await file.add(last ? { ...line, last } : line);
    await spool?.grown(file.size);
    if (performance.now() - this.#looked > LOOK) await this.#checkHeld();
  }

  /** Sees that all of it is where results go. @throws `ERR_OUTPUT` */
  async close(): Promise<void> {
    const { file, lock, spool } = this.#opened;
    try {
      await file.close();
      await spool?.upload();
      await this.#checkHeld();
    } finally {
      await spool?.remove();
      await lock?.release();
    }
  }

  /** A process that was stopped for long may have been taken for dead; what it writes from then on goes nowhere. */
  async #checkHeld(): Promise<void> {
    const { lock, path } = this.#opened;
    this.#looked = performance.now();
    if (lock && !(await lock.isHeld()))
      throw new OnnxCamError(
        'ERR_OUTPUT',
        `another process has taken over ${path}, since this one was stopped for long; nothing more is done here`,
      );
  }
}

function otherRun(path: string, what: string): OnnxCamError {
  return new OnnxCamError('ERR_OUTPUT', `${path} holds results ${what}: take another --out, or remove it`);
}

const isFile = (input: CommandInput): input is InputFile => 'stem' in input;
