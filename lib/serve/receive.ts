import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { type ErrorCode, OnnxCamError } from '../common/errors.ts';
import { outputError } from '../io/output-error.ts';
import { safeFileName } from './file-name.ts';
import { Refusal } from './refusal.ts';

/** A file of an upload. */
export interface ReceivedFile {
  /** As it is called in its folder. */
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** Of the form. */
  readonly field: string;
}

export interface Receiving {
  /** Where the files go; whoever calls removes it where this fails. */
  readonly folder: string;
  /** Bytes of the whole upload. */
  readonly limit: number;
  /** Of files. */
  readonly most: number;
  /** Of what is too large. */
  readonly code: ErrorCode;
  readonly noun: string;
  /** Milliseconds without a byte after which it is given up. */
  readonly patience: number;
}

/** What a form adds to its files. */
const FORM_BYTES = 2 ** 16;

/**
 * Writes the files of an upload as they come, so that it takes no memory.
 * @throws Refusal for too many or too large ones, two of a name, none, or an upload that was cut off; `ERR_OUTPUT`
 */
export async function receiveFiles(request: FastifyRequest, receiving: Receiving): Promise<ReceivedFile[]> {
  const { raw } = request;
  if (!request.isMultipart())
    throw new Refusal(415, 'ERR_USAGE', 'an upload is a form with files (multipart/form-data)');
  const { limit, most, noun, folder, patience } = receiving;
  // Node destroys a socket that is silent for so long.
  raw.socket.setTimeout(patience);
  try {
    if (Number(request.headers['content-length'] ?? 0) > limit + FORM_BYTES) throw tooLarge(receiving);
    const files: ReceivedFile[] = [];
    let bytes = 0;
    const parts = request.parts({ limits: { files: most + 1, fields: 16, parts: most + 16, fieldSize: 4096 } });
    for await (const part of parts) {
      if (part.type === 'field') continue;
      if (files.length === most)
        throw new Refusal(400, 'ERR_USAGE', `no more than ${most} file${most === 1 ? '' : 's'} at a time, please`);
      const name = safeFileName(part.filename, noun);
      if (files.some(file => file.name.toLowerCase() === name.toLowerCase()))
        throw new Refusal(400, 'ERR_USAGE', `two of the files are called ${name}`);
      const path = join(folder, name);
      const before = bytes;
      await writePart(part, path, count => {
        bytes += count;
        if (bytes > limit) throw tooLarge(receiving);
      });
      files.push({ name, path, bytes: bytes - before, field: part.fieldname });
    }
    if (!raw.complete) throw cutOff();
    if (files.length === 0) throw new Refusal(400, 'ERR_USAGE', 'the upload holds no file');
    return files;
  } catch (error) {
    // What is still on its way is let go by, else the answer doesn't reach whoever sends it.
    raw.unpipe();
    raw.resume();
    if (raw.destroyed && !raw.complete) throw cutOff(error);
    throw error instanceof OnnxCamError ? error : unreadable(error as Error);
  } finally {
    raw.socket.setTimeout(0);
  }
}

async function writePart({ file }: MultipartFile, path: string, count: (bytes: number) => void): Promise<void> {
  async function* counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of chunks) {
      count(chunk.length);
      yield chunk;
    }
  }
  const sink = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  let failure: NodeJS.ErrnoException | undefined;
  sink.on('error', (error: NodeJS.ErrnoException) => (failure = error));
  try {
    await pipeline(file, counted, sink);
  } catch (error) {
    throw failure?.syscall ? outputError(path, failure) : error;
  }
}

function tooLarge({ code, noun, limit }: Receiving): Refusal {
  return new Refusal(
    413,
    code,
    `the ${noun} has more than ${sizeText(limit)}, the most that this server takes at once`,
  );
}

const cutOff = (cause?: unknown): Refusal =>
  new Refusal(400, 'ERR_USAGE', 'the upload was cut off before it was whole', { cause });

const unreadable = (cause: Error): Refusal =>
  new Refusal(400, 'ERR_USAGE', `the upload is no form that can be read: ${cause.message}`, { cause });

const sizeText = (bytes: number): string =>
  bytes >= 2 ** 30 ? `${Number((bytes / 2 ** 30).toPrecision(3))} GiB` : `${Number((bytes / 1e6).toPrecision(3))} MB`;
