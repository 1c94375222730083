import { open } from 'node:fs/promises';
import { OnnxCamError } from '../common/errors.ts';
import { jsonRecord } from '../common/json-record.ts';
import { readRange } from '../io/regular-file.ts';
import { type FoundManifests, manifestPath } from '../manifest/find-manifests.ts';
import type { ResultLine } from '../manifest/read-manifests.ts';
import { type FoundPhoto, photoOf } from './first-photos.ts';

/** The results of a photograph. @throws `ERR_OPTION_INVALID` where a manifest has become another since it was looked through */
export async function readLines(found: FoundManifests, photo: FoundPhoto): Promise<ResultLine['value'][]> {
  const values: ResultLine['value'][] = [];
  for (const file of new Set(photo.lines.map(line => line.file))) {
    const path = manifestPath(found, file);
    const changed = (cause?: unknown) =>
      new OnnxCamError('ERR_OPTION_INVALID', `${path} was changed while it was read; try again`, { cause });
    const opened = await open(path).catch(cause => {
      throw changed(cause);
    });
    try {
      for (const { start, length } of photo.lines.filter(line => line.file === file)) {
        const value = jsonRecord(Buffer.from(await readRange(opened, start, length)).toString('utf8'));
        if (!value) throw changed();
        const { input, image } = photoOf(value);
        if (input !== photo.input || image !== photo.image) throw changed();
        values.push(value);
      }
    } finally {
      await opened.close();
    }
  }
  return values;
}
