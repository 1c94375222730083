import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isRecord } from '../common/checks.ts';
import { OnnxCamError } from '../common/errors.ts';
import { jsonRecord } from '../common/json-record.ts';
import { writeFileAtomic } from '../io/atomic-write.ts';
import { isThere } from '../io/is-there.ts';
import { readRegular } from '../io/regular-file.ts';
import { externalFiles } from '../model/file/external-data.ts';
import { LARGEST_MODEL } from '../model/file/model-file.ts';
import { parseModel } from '../model/file/parse-model.ts';
import { type Address, addressText } from './address.ts';
import { bounded, download } from './download.ts';
import { decoded } from './input-name.ts';
import { makeCacheFolder, readTags, writeTags } from './model-cache.ts';
import { type RemoteContent, readRemote } from './read-remote.ts';
import { RemoteFailure } from './remote-failure.ts';

interface Neighbourhood {
  /** The model's address, for messages. */
  readonly shown: string;
  readonly signal: AbortSignal | undefined;
}

/** Bytes of a file that says how a model is used, as where it is read. */
const LARGEST_NOTE = 2 ** 24;
/** Bytes of a fixed tensor, as where it is read. */
const LARGEST_TENSOR = 2 ** 31 - 1;

/**
 * Fetches what lies beside a model: `MODEL.json` and the files that it names, Hugging Face's files, weights.
 * @param path of the model's file here, in a folder of its own
 * @returns warnings
 * @throws RemoteFailure, `ERR_EXTERNAL_DATA`, `ERR_OUTPUT`, `ERR_ABORTED`
 */
export async function fetchBeside(address: Address, path: string, about: Neighbourhood): Promise<string[]> {
  const folder = dirname(path);
  const own = `${lastPart(address)}.json`;
  const refused: string[] = [];
  const note = async (name: string, to = name) => {
    const found = await fetchNote(besideOf(address, name), about.signal);
    if (found === 'refused') refused.push(name);
    else if (found) await write(join(folder, to), found);
  };
  await note(own, `${basename(path)}.json`);
  for (const name of ['config.json', 'preprocessor_config.json']) await note(name);
  // One that lies where only the model's folder is looked through is told as lying there.
  await note('../preprocessor_config.json');
  for (const name of await namedIn(`${path}.json`)) await fetchNamed(address, folder, name, about);
  await fetchWeights(address, path, about);
  return refused.length === 0
    ? []
    : [
        `whether there is ${refused[0]} beside ${about.shown} cannot be told: no permission; if there is, pictures may be prepared in another way than it says`,
      ];
}

function lastPart(address: Address): string {
  const text = address.kind === 's3' ? address.key : address.url.pathname;
  const part = text.slice(text.lastIndexOf('/') + 1);
  return address.kind === 's3' ? part : decoded(part);
}

/** What is in the same place under another name; of a web address with what follows its `?`. */
function besideOf(address: Address, name: string): Address {
  const steps = name.split('/').filter(step => step !== '' && step !== '.');
  if (address.kind === 'http') {
    const url = new URL(address.url);
    url.pathname = new URL(`./${steps.map(encodeURIComponent).join('/')}`, url).pathname;
    return { kind: 'http', url };
  }
  const parts = address.key.split('/').slice(0, -1);
  for (const step of steps)
    if (step === '..') parts.pop();
    else parts.push(step);
  return { ...address, key: parts.join('/') };
}

/** A file of JSON, where there is one. */
async function fetchNote(
  address: Address,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | 'refused' | undefined> {
  try {
    const bytes = await readRemote(address, content => collect(content, LARGEST_NOTE), { signal });
    // Some servers answer everything with a page.
    return bytes && !/^\s*</.test(Buffer.from(bytes.subarray(0, 100)).toString('latin1')) ? bytes : undefined;
  } catch (error) {
    if (error instanceof RemoteFailure && error.kind === 'missing') return undefined;
    if (error instanceof RemoteFailure && error.kind === 'refused') return 'refused';
    throw error;
  }
}

async function collect(content: RemoteContent, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bounded(content, most)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Leaves what is the same already: other processes may be reading it. */
async function write(path: string, bytes: Uint8Array): Promise<void> {
  const here = await readFile(path).catch(() => undefined);
  if (here?.equals(bytes)) return;
  await writeFileAtomic(path, bytes);
}

/** Files that the file beside a model names: labels, tensors for other inputs. What is wrong with it is told where it is read. */
async function namedIn(path: string): Promise<string[]> {
  const said = jsonRecord((await readFile(path, 'utf8').catch(() => '')).replace(/^\uFEFF/, ''));
  if (!said) return [];
  const inputs = isRecord(said.inputs) ? Object.values(said.inputs) : [];
  return [said.labels, ...inputs].filter(name => typeof name === 'string').filter(isInside);
}

/** Whether a name stays in its folder; others are refused where they are read. */
function isInside(name: string): boolean {
  const isPlain = !/^[\\/]|[\0\\]|^[A-Za-z]:/.test(name);
  return name !== '' && isPlain && !name.split('/').includes('..');
}

async function fetchNamed(address: Address, folder: string, name: string, { signal }: Neighbourhood): Promise<void> {
  const to = join(folder, name);
  await makeCacheFolder(dirname(to));
  try {
    const options = { folder: dirname(to), most: LARGEST_TENSOR, signal };
    await download(besideOf(address, name), options, ({ moveTo }) => moveTo(to));
  } catch (error) {
    // That it is missing is told where it is read.
    if (!(error instanceof RemoteFailure && error.kind === 'missing')) throw error;
  }
}

async function fetchWeights(address: Address, path: string, { shown, signal }: Neighbourhood): Promise<void> {
  const folder = dirname(path);
  const tags = { ...(await readTags(folder)) };
  for (const name of (await weightsOf(path)).filter(isInside)) {
    const to = join(folder, name);
    await makeCacheFolder(dirname(to));
    const beside = besideOf(address, name);
    const isHere = await isThere(to);
    try {
      const options = {
        folder: dirname(to),
        most: Number.MAX_SAFE_INTEGER,
        signal,
        tag: isHere ? tags[name] : undefined,
      };
      await download(beside, options, async ({ tag, moveTo }) => {
        await moveTo(to);
        if (tag === undefined) delete tags[name];
        else tags[name] = tag;
        await writeTags(folder, tags);
      });
    } catch (error) {
      if (!(error instanceof RemoteFailure)) throw error;
      throw new OnnxCamError(
        'ERR_EXTERNAL_DATA',
        `the model ${shown} keeps weights in "${name}" beside itself, and ${addressText(beside)} cannot be fetched: ${error.message}`,
        { cause: error },
      );
    }
  }
}

/** None where the model cannot be read, which is told when it is loaded. */
async function weightsOf(path: string): Promise<string[]> {
  try {
    return externalFiles(parseModel(await readRegular(path, LARGEST_MODEL)));
  } catch {
    return [];
  }
}
