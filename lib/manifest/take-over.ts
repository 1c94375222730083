import { OnnxCamError } from '../common/errors.ts';
import { type OpenFile, openRegular, UnfitFile } from '../io/regular-file.ts';
import { type FileLine, wholeLines } from '../io/whole-lines.ts';
import { LONGEST_LINE } from './limits.ts';
import { parseLine } from './recorded-line.ts';
import { headerDifference, parseHeader, type RunHeader } from './run-header.ts';

export interface TakeOverOptions {
  /** This run's. */
  readonly header: RunHeader;
  /** This run's inputs by the first part of their files' names; those that are done are taken out. */
  readonly left: Map<string, string>;
  /** Whether inputs that failed with an error of this code are left too. */
  readonly isTriedAgain: (code: string) => boolean;
  /** Whether files are there, whole. */
  readonly areThere: (names: readonly string[]) => Promise<boolean>;
  /** Is told every input that is taken over, by the first part of its files' names. */
  readonly onTaken?: ((stem: string, failed: boolean) => void) | undefined;
}

/** What of an earlier manifest holds. */
export interface TakenOver {
  /** Inputs, and those of them that failed. */
  done: number;
  failed: number;
  /** How the earlier run was made, where nothing of it holds: "with another method". */
  difference: string | undefined;
}

/** The lines of one input. */
interface InputLines {
  readonly input: string;
  readonly stem: string | null;
  readonly texts: string[];
  readonly files: string[];
  readonly errors: string[];
}

/** Inputs whose files are looked for at once. */
const AT_ONCE = 64;

/**
 * The lines of an earlier manifest that hold for this run: of inputs that are asked for again, with all of their lines and files. What
 * an interruption left half written is none of them.
 * @param taken is filled as the lines are read
 * @throws `ERR_OUTPUT` for a file that cannot be read
 */
export async function* takeOver(
  path: string,
  options: TakeOverOptions,
  taken: TakenOver,
): AsyncGenerator<string, void, void> {
  const file = await openManifest(path);
  if (!file) return;
  try {
    const lines = wholeLines(file, LONGEST_LINE);
    const first = await lines.next();
    const header = first.done ? undefined : parseHeader(first.value.text);
    if (header?.sha256 === null) return;
    taken.difference = header === undefined ? 'by something else' : headerDifference(header, options.header);
    if (taken.difference !== undefined) return;
    let waiting: InputLines[] = [];
    for await (const one of byInput(lines)) {
      if (waiting.push(one) < AT_ONCE) continue;
      yield* held(waiting, options, taken);
      waiting = [];
    }
    yield* held(waiting, options, taken);
  } catch (cause) {
    throw cause instanceof UnfitFile ? unreadable(path, cause) : cause;
  } finally {
    await file.file.close();
  }
}

/** Lines of one input stand together, and the last of them says so. */
async function* byInput(lines: AsyncIterable<FileLine>): AsyncGenerator<InputLines, void, void> {
  let current: InputLines | undefined;
  for await (const { text } of lines) {
    const line = parseLine(text);
    if (line === undefined) {
      current = undefined;
      continue;
    }
    const { input, stem } = line;
    if (current?.input !== input || current.stem !== stem) current = { input, stem, texts: [], files: [], errors: [] };
    current.texts.push(text);
    current.files.push(...line.files);
    if (line.error !== null) current.errors.push(line.error);
    if (!line.last) continue;
    yield current;
    current = undefined;
  }
}

async function* held(
  inputs: readonly InputLines[],
  { left, isTriedAgain, areThere, onTaken }: TakeOverOptions,
  taken: TakenOver,
): AsyncGenerator<string, void, void> {
  const isLeft = ({ input, stem }: InputLines) => stem !== null && left.get(stem) === input;
  const hold = await Promise.all(
    inputs.map(async one => isLeft(one) && !one.errors.some(isTriedAgain) && (await areThere(one.files))),
  );
  for (const [i, one] of inputs.entries()) {
    // An input that comes twice is done once.
    if (!hold[i] || !isLeft(one)) continue;
    left.delete(one.stem!);
    taken.done++;
    const failed = one.errors.length > 0;
    if (failed) taken.failed++;
    onTaken?.(one.stem!, failed);
    yield* one.texts;
  }
}

async function openManifest(path: string): Promise<OpenFile | undefined> {
  try {
    return await openRegular(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(path, cause as Error);
  }
}

function unreadable(path: string, cause: Error): OnnxCamError {
  return new OnnxCamError('ERR_OUTPUT', `${path} cannot be gone on with: ${cause.message}`, { cause });
}
