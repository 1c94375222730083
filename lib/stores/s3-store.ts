import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import { contentBytes, contentType } from './content-bytes.ts';
import { download } from './download.ts';
import type { Content, OutputStore, Presence } from './output-store.ts';
import { PROBE } from './probe.ts';
import { RemoteFailure } from './remote-failure.ts';
import { openS3, type S3, s3Failure, s3Package } from './s3-client.ts';
import { listPage } from './s3-list.ts';
import { ListedPresence } from './s3-presence.ts';

/** Bytes of a part: with ten thousand of them at most, files of up to 160 GB. */
const PART = 2 ** 24;

/** A prefix of a bucket: objects appear whole by themselves. */
export class S3Store implements OutputStore {
  readonly folder = undefined;
  readonly #bucket: string;
  /** Ends in `/`, or is empty. */
  readonly #prefix: string;

  constructor({ bucket, key }: { readonly bucket: string; readonly key: string }) {
    this.#bucket = bucket;
    this.#prefix = key === '' || key.endsWith('/') ? key : `${key}/`;
  }

  get location(): string {
    return `s3://${this.#bucket}/${this.#prefix}`;
  }

  pathOf(name: string): string {
    return this.location + name;
  }

  /** Only an attempt tells whether it may be written to. */
  async prepare(): Promise<() => Promise<void>> {
    await this.put(PROBE, '');
    // Who may not delete can write all the same.
    await this.remove(PROBE).catch(() => {});
    return async () => {};
  }

  async put(name: string, content: Content): Promise<void> {
    const body = contentBytes(content);
    await this.#attempt(name, ({ client, sdk }) =>
      client.send(new sdk.PutObjectCommand({ ...this.#place(name), Body: body, ContentType: contentType(name) })),
    );
  }

  async putFile(name: string, path: string): Promise<void> {
    const { size } = await stat(path).catch(error => {
      throw this.#failed('write', name, error);
    });
    if (size < PART) return this.put(name, await readFile(path));
    // It may be growing meanwhile.
    const body = createReadStream(path, { end: size - 1, highWaterMark: PART });
    const { Upload } = await s3Package(() => import('@aws-sdk/lib-storage'));
    const params = { ...this.#place(name), Body: body, ContentType: contentType(name) };
    try {
      await this.#attempt(name, ({ client }) => new Upload({ client, params, partSize: PART, queueSize: 2 }).done());
    } finally {
      body.destroy();
    }
  }

  async getFile(name: string, path: string): Promise<boolean> {
    const { Bucket: bucket, Key: key } = this.#place(name);
    const options = { folder: dirname(path), most: Number.MAX_SAFE_INTEGER };
    try {
      await download({ kind: 's3', bucket, key }, options, ({ moveTo }) => moveTo(path));
      return true;
    } catch (error) {
      if (error instanceof RemoteFailure && error.kind === 'missing') return false;
      throw this.#failed('read', name, error);
    }
  }

  async remove(name: string): Promise<void> {
    await this.#attempt(name, ({ client, sdk }) => client.send(new sdk.DeleteObjectCommand(this.#place(name))));
  }

  presence(): Presence {
    const list = async (after: string) => {
      const start = this.#prefix + after;
      const { objects, isEnd } = await this.#attempt('', s3 => listPage(s3, this.#bucket, this.#prefix, { start }));
      return { names: objects.map(({ key }) => key.slice(this.#prefix.length)), isEnd };
    };
    return new ListedPresence(list);
  }

  #place(name: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + name };
  }

  async #attempt<T>(name: string, send: (s3: S3) => Promise<T>): Promise<T> {
    try {
      return await send(await openS3());
    } catch (error) {
      throw this.#failed('write', name, error);
    }
  }

  #failed(doing: 'read' | 'write', name: string, error: unknown): OnnxCamError {
    const failure = s3Failure(error, this.#bucket);
    if (failure instanceof OnnxCamError) return failure;
    const { message } = failure as RemoteFailure;
    return new OnnxCamError('ERR_OUTPUT', `cannot ${doing} ${this.pathOf(name)}: ${message}`, { cause: error });
  }
}
