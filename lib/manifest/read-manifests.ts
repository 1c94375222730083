import { OnnxCamError, throwIfAborted } from '../common/errors.ts';
import { jsonRecord } from '../common/json-record.ts';
import { openRegular } from '../io/regular-file.ts';
import { wholeLines } from '../io/whole-lines.ts';
import { type FoundManifests, manifestPath } from './find-manifests.ts';
import { LONGEST_LINE } from './limits.ts';
import { headerDifference, parseHeader, type RunHeader } from './run-header.ts';

/** A line of a manifest, and where it stands. */
export interface ResultLine {
  /** Name of the manifest. */
  readonly file: string;
  /** Bytes. */
  readonly start: number;
  readonly length: number;
  /** Nothing in it is checked. */
  readonly value: Readonly<Record<string, unknown>>;
}

export interface ReadRun {
  /** Of the first part. */
  readonly header: RunHeader;
  /** What is odd, for people. */
  readonly warnings: readonly string[];
}

/**
 * Hands on the results of a run, one after the other and part by part; nothing of them is kept. A last line that an interruption left
 * half written is none.
 * @throws `ERR_OPTION_INVALID` for a file that `explain` has not written, and for parts of different runs; `ERR_ABORTED`
 */
export async function readManifests(
  found: FoundManifests,
  take: (line: ResultLine) => void,
  signal?: AbortSignal,
): Promise<ReadRun> {
  const headers = new Headers(found);
  for (const file of found.names) await readManifest(found, file, header => headers.add(file, header), take, signal);
  return { header: headers.first!, warnings: headers.warnings };
}

async function readManifest(
  found: FoundManifests,
  file: string,
  takeHeader: (header: RunHeader) => void,
  take: (line: ResultLine) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const path = manifestPath(found, file);
  let number = 0;
  try {
    const open = await openRegular(path);
    try {
      for await (const { text, start, length } of wholeLines(open, LONGEST_LINE)) {
        throwIfAborted(signal);
        if (++number > 1) take({ file, start, length, value: resultOf(text, number) });
        else takeHeader(headerOf(text));
      }
      if (number === 0) headerOf('');
    } finally {
      await open.file.close();
    }
  } catch (cause) {
    if (cause instanceof OnnxCamError) throw cause;
    const why = cause instanceof NoManifest ? cause.message : `it cannot be read (${(cause as Error).message})`;
    throw new OnnxCamError('ERR_OPTION_INVALID', `${path} is no manifest of onnx-cam explain: ${why}`, { cause });
  }
}

class NoManifest extends Error {}

function headerOf(text: string): RunHeader {
  const header = parseHeader(text);
  if (!header) throw new NoManifest('its first line does not say which run it is of');
  return header;
}

function resultOf(text: string, number: number): ResultLine['value'] {
  const value = jsonRecord(text);
  if (!value) throw new NoManifest(`line ${number} is no JSON object`);
  return value;
}

/** First lines, which must be of one run. */
class Headers {
  readonly #found: FoundManifests;
  readonly #versions = new Map<string | null, string>();
  first: RunHeader | undefined;

  constructor(found: FoundManifests) {
    this.#found = found;
  }

  get warnings(): string[] {
    if (this.#versions.size < 2) return [];
    const [one, other] = [...this.#versions].map(([version, file]) => `${file} by ${version ?? 'an unknown one'}`);
    return [`parts were made by different versions of onnx-cam, ${one}, ${other}: their maps may differ in small ways`];
  }

  add(file: string, header: RunHeader): void {
    this.first ??= header;
    const version = header.versions['onnx-cam'] ?? null;
    if (!this.#versions.has(version)) this.#versions.set(version, file);
    const { folder, names } = this.#found;
    const difference = headerDifference({ ...header, versions: this.first.versions }, this.first);
    if (difference !== undefined)
      throw new OnnxCamError(
        'ERR_OPTION_INVALID',
        `${folder} holds the manifests of different runs, ${names[0]} and, ${difference}, ${file}: take away those that are not wanted, and give each run an --out of its own`,
      );
  }
}
