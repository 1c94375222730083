import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { type Address, addressText } from './address.ts';
import { contentBytes, contentType } from './content-bytes.ts';
import { type HttpRequest, httpRequest } from './http.ts';
import type { Content, Presence } from './output-store.ts';
import { RemoteStore } from './remote-store.ts';

/**
 * A web server that takes PUT, GET, HEAD and DELETE, such as WebDAV's. What follows the `?` of its address belongs to each request.
 * Whether files appear whole is the server's affair.
 */
export class HttpStore extends RemoteStore {
  readonly #base: URL;

  constructor(base: URL) {
    super();
    this.#base = new URL(base);
    this.#base.hash = '';
    if (!this.#base.pathname.endsWith('/')) this.#base.pathname += '/';
  }

  get location(): string {
    return addressText({ kind: 'http', url: this.#base });
  }

  pathOf(name: string): string {
    return addressText(this.addressOf(name));
  }

  async put(name: string, content: Content): Promise<void> {
    const bytes = contentBytes(content);
    await this.#put(name, bytes.byteLength, () => bytes);
  }

  async putFile(name: string, path: string): Promise<void> {
    const { size } = await stat(path).catch(error => {
      throw this.failed('write', name, error);
    });
    // It may be growing meanwhile.
    const stream = () => Readable.toWeb(createReadStream(path, { end: size - 1 })) as ReadableStream<Uint8Array>;
    await this.#put(name, size, size === 0 ? () => new Uint8Array() : stream);
  }

  async remove(name: string): Promise<void> {
    await this.#ask('write', name, { method: 'DELETE', accept: [404, 410] });
  }

  presence(): Presence {
    return {
      has: async name => {
        const asked = { method: 'HEAD', accept: [404, 405, 410, 501] } as const;
        const status = await this.#ask('read', name, asked);
        // Some answer to GET alone; of its content nothing is read.
        const isUnknown = status === 405 || status === 501;
        const answer = isUnknown ? await this.#ask('read', name, { accept: [404, 410] }) : status;
        return answer !== 404 && answer !== 410;
      },
    };
  }

  async #put(name: string, size: number, body: NonNullable<HttpRequest['body']>): Promise<void> {
    const headers = { 'content-type': contentType(name), 'content-length': String(size) };
    const request = { method: 'PUT', headers, body } as const;
    const status = await this.#ask('write', name, { ...request, accept: [404, 409] });
    if (status !== 404 && status !== 409) return;
    // WebDAV wants the folders first.
    await this.#makeFolders(name);
    await this.#ask('write', name, request);
  }

  async #makeFolders(name: string): Promise<void> {
    const path = this.#urlOf(name).pathname.split('/').slice(1, -1);
    for (let depth = 1; depth <= path.length; depth++) {
      const url = new URL(this.#base);
      url.pathname = `/${path.slice(0, depth).join('/')}/`;
      // There already, not allowed above one's own, or a server without folders: the next attempt tells.
      await httpRequest(url, { method: 'MKCOL' }, () => {}).catch(() => {});
    }
  }

  async #ask(doing: 'read' | 'write', name: string, request: HttpRequest): Promise<number> {
    try {
      return await httpRequest(this.#urlOf(name), request, ({ status }) => status);
    } catch (error) {
      throw this.failed(doing, name, error);
    }
  }

  #urlOf(name: string): URL {
    const url = new URL(this.#base);
    url.pathname += name.split('/').map(encodeURIComponent).join('/');
    return url;
  }

  protected addressOf(name: string): Address {
    return { kind: 'http', url: this.#urlOf(name) };
  }

  protected meaningOf(error: unknown): unknown {
    return error;
  }
}
