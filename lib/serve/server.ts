import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { packageRoot } from '#package';
import { OnnxCamError, throwIfAborted } from '../common/errors.ts';
import type { LoadOptions } from '../index.ts';
import { pageFiles } from '../report/page-files.ts';
import { eventLines } from './events.ts';
import { guard, makeToken } from './guard.ts';
import { SERVE_LIMITS, type ServeLimits } from './limits.ts';
import { servePackages } from './packages.ts';
import { HEADERS, refusedPage, servePage } from './page.ts';
import { readQuestion } from './question.ts';
import { Refusal, serveError, statusOf } from './refusal.ts';
import { type GivenModel, Stock } from './stock.ts';

export interface ServeOptions {
  /** What to listen to. */
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** Loaded before the server is ready, and kept. */
  readonly model?: GivenModel | undefined;
  /** How uploaded models are run. */
  readonly running?: LoadOptions;
  /** Ends the start. */
  readonly signal: AbortSignal;
  readonly limits?: ServeLimits;
}

export interface Server {
  /** Of the page, with the token. */
  readonly address: string;
  readonly port: number;
  readonly token: string;
  /** Where uploads lie. */
  readonly folder: string;
  /** Ends all work at once, and removes what was uploaded. */
  close(): Promise<void>;
}

/** Bytes of a request for an explanation. */
const REQUEST_BYTES = 2 ** 16;

/**
 * Serves the page and what it asks for.
 * @throws `ERR_USAGE` without the packages that it takes, or where it can't listen; `ERR_OUTPUT`, `ERR_ABORTED`, what `load` throws
 */
export async function startServer(options: ServeOptions): Promise<Server> {
  const { host, port, signal, limits = SERVE_LIMITS, running = {} } = options;
  const packages = await servePackages();
  pageFiles();
  const app = packages.fastify({ bodyLimit: REQUEST_BYTES, forceCloseConnections: true, logger: false });
  const stock = await Stock.open(limits, running);
  const close = async () => {
    await app.close();
    await stock.close();
  };
  try {
    const token = makeToken();
    app.addHook('onRequest', async (request, reply) => {
      reply.headers(HEADERS);
      guard(request, { token, host });
    });
    app.setErrorHandler((error, request, reply) => refuse(reply, error, stock.folder, request.url));
    app.setNotFoundHandler((request, reply) =>
      refuse(
        reply,
        new Refusal(404, 'ERR_USAGE', `there is nothing at ${request.url.split('?')[0]}`),
        stock.folder,
        request.url,
      ),
    );
    await app.register(packages.multipart, { limits: { fileSize: Number.POSITIVE_INFINITY } });
    await app.register(packages.files, { root: join(packageRoot, 'dist', 'web'), serve: false, cacheControl: false });
    addRoutes(app, stock, token);
    await listen(app, host, port);
    if (options.model) await stock.give(options.model, signal);
    throwIfAborted(signal);
    const { port: taken } = app.server.address() as AddressInfo;
    return { address: addressOf(host, taken, token), port: taken, token, folder: stock.folder, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function addRoutes(app: FastifyInstance, stock: Stock, token: string): void {
  app.get('/', async (_, reply) => reply.type('text/html; charset=utf-8').send(servePage(token)));
  for (const file of ['page.js', 'page.css']) app.get(`/${file}`, (_, reply) => reply.sendFile(file));
  app.get('/api/state', async () => stock.state);
  app.post('/api/models', async (request, reply) =>
    reply.code(201).send(await stock.takeModel(request, closing(reply))),
  );
  app.post('/api/pictures', async (request, reply) => reply.code(201).send(await stock.takePicture(request)));
  app.delete<{ Params: { id: string } }>('/api/models/:id', async ({ params }, reply) => {
    await stock.removeModel(params.id);
    return reply.code(204).send();
  });
  app.delete<{ Params: { id: string } }>('/api/pictures/:id', async ({ params }, reply) => {
    await stock.removePicture(params.id);
    return reply.code(204).send();
  });
  app.post('/api/explanations', async (request, reply) => {
    const question = readQuestion(request.body);
    const signal = closing(reply);
    const lines = eventLines(
      tell => stock.explain(question, signal, tell),
      error => ({ type: 'error', ...serveError(error, stock.folder) }),
    );
    async function* body(): AsyncGenerator<string, void, void> {
      // Whoever asks knows at once that it was accepted.
      reply.raw.flushHeaders();
      yield* lines;
    }
    return reply.type('application/x-ndjson').send(Readable.from(body(), { highWaterMark: 1 }));
  });
}

/** Fires when nobody waits for the answer any more. */
function closing({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  raw.on('close', () => gone.abort());
  if (raw.destroyed) gone.abort();
  return gone.signal;
}

function refuse(reply: FastifyReply, error: unknown, folder: string, url: string): FastifyReply {
  const status = statusOf(error);
  reply.code(status).headers({
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
    ...(status === 503 && { 'retry-after': '5' }),
  });
  const said = serveError(error, folder);
  return url.split('?')[0] === '/'
    ? reply.type('text/html; charset=utf-8').send(refusedPage(said.message))
    : reply.type('application/json; charset=utf-8').send(said);
}

const REASONS: Readonly<Record<string, (host: string, port: number) => string>> = {
  EADDRINUSE: (host, port) =>
    `port ${port} of ${host} is taken, perhaps by another onnx-cam serve: give another --port; --port 0 takes a free one`,
  EACCES: (_, port) =>
    `port ${port} needs more rights than this user has: give a --port from 1024 on, or 0 for a free one`,
  EADDRNOTAVAIL: host => `${host} is no address of this machine: give --host 127.0.0.1, or 0.0.0.0 for all that it has`,
  ENOTFOUND: host => `no address is known for ${host}: give --host 127.0.0.1, or 0.0.0.0 for all that this machine has`,
};

async function listen(app: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    const reason = REASONS[(cause as NodeJS.ErrnoException).code ?? '']?.(host, port);
    throw new OnnxCamError(
      'ERR_USAGE',
      reason ?? `cannot listen to port ${port} of ${host}: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}

/** As a browser on this machine opens it. */
function addressOf(host: string, port: number, token: string): string {
  const local = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
  return `http://${local.includes(':') ? `[${local}]` : local}:${port}/?token=${token}`;
}
