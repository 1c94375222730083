import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import { jsonRecord } from '../common/json-record.ts';
import { writeFileAtomic } from '../io/atomic-write.ts';
import { makeFolder } from '../io/make-folder.ts';
import { folderError } from '../io/output-error.ts';

/**
 * Where models that are fetched lie: `ONNX_CAM_CACHE`, else the folder that the system has for such things.
 * @throws `ERR_OUTPUT` where there is none
 */
export async function cacheFolder(): Promise<string> {
  if (process.env.ONNX_CAM_CACHE) return process.env.ONNX_CAM_CACHE;
  try {
    // It looks for the user's home at once, which not every user has.
    const { default: envPaths } = await import('env-paths');
    return envPaths('onnx-cam', { suffix: '' }).cache;
  } catch (cause) {
    throw new OnnxCamError(
      'ERR_OUTPUT',
      `there is no folder for models that are fetched; set ONNX_CAM_CACHE (${(cause as Error).message})`,
      { cause },
    );
  }
}

/** @throws `ERR_OUTPUT` */
export async function makeCacheFolder(path: string): Promise<void> {
  try {
    await makeFolder(path);
  } catch (cause) {
    const { message } = folderError(path, cause as NodeJS.ErrnoException);
    throw new OnnxCamError(
      'ERR_OUTPUT',
      `${message}; ONNX_CAM_CACHE names another folder for models that are fetched`,
      {
        cause,
      },
    );
  }
}

/** What servers call the content that lies here, by name of the file. */
export type Tags = Readonly<Record<string, string>>;

/** Name of the file beside what was fetched. */
const NOTES = '.fetched.json';

/** Notes of a folder: what its files were, for asking whether they have changed. Without them all is fetched again. */
export async function readTags(folder: string): Promise<Tags> {
  const notes = jsonRecord(await readFile(join(folder, NOTES), 'utf8').catch(() => ''));
  const tags = Object.entries(notes ?? {});
  return Object.fromEntries(tags.filter((tag): tag is [string, string] => typeof tag[1] === 'string'));
}

/** @throws `ERR_OUTPUT` */
export async function writeTags(folder: string, tags: Tags): Promise<void> {
  await writeFileAtomic(join(folder, NOTES), JSON.stringify(tags));
}
