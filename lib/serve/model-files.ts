import { readFile } from 'node:fs/promises';
import { namesFromJson } from '../targets/label-shapes.ts';
import type { ReceivedFile } from './receive.ts';
import { Refusal } from './refusal.ts';

/** What the files of an upload are. */
export interface ModelFiles {
  readonly model: ReceivedFile;
  /** Class names. */
  readonly labels: ReceivedFile | undefined;
}

/** Files that the library reads beside a model by itself. */
const BESIDE = ['config.json', 'preprocessor_config.json'];
/** Bytes; longer lists of names are none. */
const LARGEST_JSON = 2 ** 24;

/**
 * Finds the model among the files that were uploaded together, and its labels: a text, or JSON with names. All others lie beside the
 * model as they would on a disk.
 * @throws Refusal where there are several of either, or settings of another model
 */
export async function sortModelFiles(files: readonly ReceivedFile[]): Promise<ModelFiles> {
  const models = files.filter(({ name }) => /\.onnx$/i.test(name));
  if (models.length > 1) throw unclear(`${named(models)} are several models: upload one after the other`);
  const model = models[0] ?? (files.length === 1 ? files[0]! : undefined);
  if (!model) throw unclear(`none of ${named(files)} is called .onnx`);
  const settings = files.find(({ name }) => /\.onnx\.json$/i.test(name) && name !== `${model.name}.json`);
  if (settings)
    throw unclear(`the settings of ${model.name} are read from ${model.name}.json: rename ${settings.name}`);
  const labels: ReceivedFile[] = [];
  for (const file of files) if (file !== model && (await holdsLabels(file, model.name))) labels.push(file);
  if (labels.length > 1)
    throw unclear(`${named(labels)} both look like class names: upload one of them with the model`);
  return { model, labels: labels[0] };
}

async function holdsLabels({ name, field, path, bytes }: ReceivedFile, model: string): Promise<boolean> {
  if (field === 'labels') return true;
  if (/\.(txt|names)$/i.test(name)) return true;
  if (!/\.json$/i.test(name) || BESIDE.includes(name) || name === `${model}.json` || bytes > LARGEST_JSON) return false;
  try {
    return namesFromJson(JSON.parse(await readFile(path, 'utf8'))) !== undefined;
  } catch {
    return false;
  }
}

const named = (files: readonly ReceivedFile[]): string => files.map(({ name }) => name).join(', ');
const unclear = (message: string): Refusal => new Refusal(400, 'ERR_USAGE', message);
