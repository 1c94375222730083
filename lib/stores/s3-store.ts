import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { Address } from './address.ts';
import { contentBytes, contentType } from './content-bytes.ts';
import type { Content, Presence } from './output-store.ts';
import { RemoteStore } from './remote-store.ts';
import { openS3, type S3, s3Failure, s3Package } from './s3-client.ts';
import { listPage } from './s3-list.ts';
import { ListedPresence } from './s3-presence.ts';

/** Bytes of a part: with ten thousand of them at most, files of up to 160 GB. */
const PART = 2 ** 24;

/** A prefix of a bucket: objects appear whole by themselves. */
export class S3Store extends RemoteStore {
  readonly #bucket: string;
  /** Ends in `/`, or is empty. */
  readonly #prefix: string;

  constructor({ bucket, key }: { readonly bucket: string; readonly key: string }) {
    super();
    this.#bucket = bucket;
    this.#prefix = key === '' || key.endsWith('/') ? key : `${key}/`;
  }

  get location(): string {
    return `s3://${this.#bucket}/${this.#prefix}`;
  }

  pathOf(name: string): string {
    return this.location + name;
  }

  async put(name: string, content: Content): Promise<void> {
    const body = contentBytes(content);
    await this.#attempt(name, ({ client, sdk }) =>
      client.send(new sdk.PutObjectCommand({ ...this.#place(name), Body: body, ContentType: contentType(name) })),
    );
  }

  async putFile(name: string, path: string): Promise<void> {
    const { size } = await stat(path).catch(error => {
      throw this.failed('write', name, error);
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
      throw this.failed('write', name, error);
    }
  }

  protected addressOf(name: string): Address {
    return { kind: 's3', bucket: this.#bucket, key: this.#prefix + name };
  }

  protected meaningOf(error: unknown): unknown {
    return s3Failure(error, this.#bucket);
  }
}
