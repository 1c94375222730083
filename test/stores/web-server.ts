import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listen, type TestServer } from './faulty-server.ts';

export interface WebServer extends TestServer {
  /** Content by path, as it came in the request: `/a%20b`. */
  readonly files: Map<string, Buffer>;
  /** Answers first; true where it has. */
  answer?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** A web server with files in memory. @param options `folders`: a PUT wants the folder above first, as WebDAV's do */
export async function webServer(options: { readonly folders?: boolean } = {}): Promise<WebServer> {
  const files = new Map<string, Buffer>();
  const folders = new Set(['/']);
  const handle = async (asked: IncomingMessage, answer: ServerResponse): Promise<void> => {
    if (server.answer?.(asked, answer)) return;
    const path = asked.url!.split('?')[0]!;
    const above = path.replace(/[^/]*\/?$/, '');
    if (asked.method === 'MKCOL') {
      const status = folders.has(path) ? 405 : folders.has(above) ? 201 : 409;
      if (status === 201) folders.add(path);
      answer.writeHead(status).end();
    } else if (asked.method === 'PUT') {
      const content = await buffer(asked);
      const isLost = options.folders && !folders.has(above);
      if (!isLost) files.set(path, content);
      answer.writeHead(isLost ? 409 : 201).end();
    } else if (asked.method === 'DELETE') answer.writeHead(files.delete(path) ? 204 : 404).end();
    else send(asked, answer, files.get(path));
  };
  const server: WebServer = Object.assign(await listen(handle), { files });
  return server;
}

/** Content with its tag, or why there is none. */
export function send(asked: IncomingMessage, answer: ServerResponse, content: Buffer | undefined): void {
  if (!content) {
    answer.writeHead(404).end();
    return;
  }
  const etag = `"${createHash('md5').update(content).digest('hex')}"`;
  if (asked.headers['if-none-match'] === etag) answer.writeHead(304).end();
  else {
    answer.writeHead(200, { 'content-length': content.length, etag });
    answer.end(asked.method === 'HEAD' ? undefined : content);
  }
}
