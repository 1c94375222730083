import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { OnnxCamError } from '../../common/errors.ts';
import { writeFileAtomic } from '../../io/atomic-write.ts';
import { makeFolder } from '../../io/make-folder.ts';
import { outputError } from '../../io/output-error.ts';

/** What an exported file says of itself. */
export interface ExportedFile {
  readonly method: string;
  readonly layer: string;
  readonly target: string;
  readonly convention: string;
  readonly notes: readonly string[];
  readonly inputs: readonly DescribedValue[];
  readonly outputs: readonly DescribedValue[];
}

export interface DescribedValue {
  readonly name: string;
  readonly type: string;
  /** Sizes, or names of open ones. */
  readonly dims: readonly (number | string)[];
}

/**
 * Writes an exported model. Weights that it refers to lie in files beside the model that it was made of, so that it belongs
 * there as well, or where they have been copied to.
 * @throws `ERR_USAGE` for the model's own path, `ERR_EXTERNAL_DATA` for another folder without its weights, `ERR_OUTPUT`
 */
export async function writeExported(
  bytes: Uint8Array,
  { model, out, signal }: { readonly model: string; readonly out: string; readonly signal: AbortSignal },
): Promise<ExportedFile> {
  if (resolve(out) === resolve(model))
    throw new OnnxCamError('ERR_USAGE', `--out names the model itself (${out}); give the export a name of its own`);
  const { parseModel } = await import('../../model/file/parse-model.ts');
  const { externalFiles } = await import('../../model/file/external-data.ts');
  const { EXPORT_METADATA } = await import('../../model/graph/exported.ts');
  const { describeValue } = await import('../../model/graph/value-info.ts');
  const graph = parseModel(bytes);
  await checkWeights(externalFiles(graph), dirname(model), out);
  const folder = dirname(out);
  await makeFolder(folder).catch(cause => {
    throw outputError(folder, cause);
  });
  await writeFileAtomic(out, bytes, { signal });
  const said = (key: string) => graph.metadata.get(`${EXPORT_METADATA}${key}`) ?? '';
  const described = (values: typeof graph.inputs) =>
    values.map(describeValue).map(({ name, type = 'unknown', dims = [] }) => ({ name, type, dims }));
  return {
    method: said('method'),
    layer: said('layer'),
    target: said('target'),
    convention: said('convention'),
    notes: said('notes').split('\n').filter(Boolean),
    inputs: described(graph.inputs),
    outputs: described(graph.outputs),
  };
}

async function checkWeights(files: readonly string[], from: string, out: string): Promise<void> {
  const to = dirname(out);
  if (resolve(from) === resolve(to)) return;
  for (const file of files) {
    const [own, there] = await Promise.all([sizeOf(join(from, file)), sizeOf(join(to, file))]);
    if (there !== undefined && there === own) continue;
    throw new OnnxCamError(
      'ERR_EXTERNAL_DATA',
      `the model keeps its weights in "${file}" beside it, which the export refers to and which is not in ${to}: write the export ` +
        `into the model's folder (--out ${join(from, basename(out))}), or copy that file first`,
    );
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch {
    return undefined;
  }
}
