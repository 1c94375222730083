import { join } from 'node:path';
import { isRecord } from '../common/checks.ts';
import { OnnxCamError } from '../common/errors.ts';
import { readRegular } from '../io/regular-file.ts';

/** The manifest of `explain` as a report needs it; checked as far as it is read. */
export interface ManifestRecord {
  readonly created: string;
  readonly versions: Readonly<Record<string, string | null>>;
  readonly model: { readonly path: string | null; readonly sha256: string | null };
  readonly results: readonly Readonly<Record<string, unknown>>[];
}

/** Bytes: what one text in memory holds. */
const LARGEST = 2 ** 29 - 1;

/** @throws `ERR_OPTION_INVALID` for a folder without a manifest, or with one that `explain` has not written */
export async function readManifest(folder: string): Promise<ManifestRecord> {
  const path = join(folder, 'manifest.json');
  const wrong = (why: string, cause?: unknown) =>
    new OnnxCamError('ERR_OPTION_INVALID', `${path} is no manifest of onnx-cam explain: ${why}`, { cause });
  let text: string;
  try {
    text = Buffer.from(await readRegular(path, LARGEST)).toString('utf8');
  } catch (cause) {
    throw wrong(`it cannot be read (${(cause as Error).message})`, cause);
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw wrong('it holds no JSON', cause);
  }
  if (!isRecord(document) || !Array.isArray(document.results) || !document.results.every(isRecord))
    throw wrong('it has no list of results');
  const { created, versions, model } = document;
  const { path: file, sha256 } = isRecord(model) ? model : {};
  return {
    created: textOf(created) ?? '',
    versions: isRecord(versions)
      ? Object.fromEntries(Object.entries(versions).map(([name, version]) => [name, textOf(version)]))
      : {},
    model: { path: textOf(file), sha256: textOf(sha256) },
    results: document.results,
  };
}

/** Values of a file that anybody may have written: of the type that is expected, or null. */
export const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
export const numberOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;
export const recordOf = (value: unknown): Readonly<Record<string, unknown>> => (isRecord(value) ? value : {});
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
