import { readFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { basename } from 'node:path';
import { onTestFinished } from 'vitest';
import type {
  ExplanationEvent,
  ExplanationRequest,
  ServedModel,
  ServedPicture,
  ServeError,
  ServeState,
} from '../../lib/serve/api.ts';
import { SERVE_LIMITS, type ServeLimits } from '../../lib/serve/limits.ts';
import { type ServeOptions, type Server, startServer } from '../../lib/serve/server.ts';

export const BUNDLED = 'assets/efficientnet-lite0.onnx';
export const CAT = 'assets/pictures/cat.png';

/** What goes into a form: a file of the disk, or bytes. */
export type Upload = string | { readonly name: string; readonly data: Uint8Array | string; readonly field?: string };

/** A server of one test, and what a page does with it. */
export class Client {
  readonly server: Server;

  constructor(server: Server) {
    this.server = server;
  }

  get base(): string {
    return `http://127.0.0.1:${this.server.port}`;
  }

  fetch(
    path: string,
    { token = this.server.token, ...init }: RequestInit & { token?: string } = {},
  ): Promise<Response> {
    return fetch(`${this.base}${path}`, {
      ...init,
      headers: { ...(token !== '' && { authorization: `Bearer ${token}` }), ...init.headers },
    });
  }

  async state(): Promise<ServeState> {
    return (await this.fetch('/api/state')).json() as Promise<ServeState>;
  }

  post(path: string, files: readonly Upload[], init: RequestInit = {}): Promise<Response> {
    const form = new FormData();
    for (const file of files) {
      const {
        name,
        data,
        field = 'file',
      } = typeof file === 'string' ? { name: basename(file), data: readFileSync(file) } : file;
      form.append(field, new Blob([data as never]), name);
    }
    return this.fetch(path, { method: 'POST', body: form, ...init });
  }

  async addModel(...files: Upload[]): Promise<ServedModel> {
    return read<ServedModel>(await this.post('/api/models', files));
  }

  async addPicture(file: Upload = CAT): Promise<ServedPicture> {
    return read<ServedPicture>(await this.post('/api/pictures', [file]));
  }

  ask(body: Partial<ExplanationRequest> | unknown, signal?: AbortSignal): Promise<Response> {
    return this.fetch('/api/explanations', {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
      ...(signal && { signal }),
    });
  }

  /** All that is said until the end. */
  async explain(
    body: ExplanationRequest,
    heard: (event: ExplanationEvent) => void = () => {},
  ): Promise<ExplanationEvent[]> {
    const events: ExplanationEvent[] = [];
    for await (const event of eventsOf(await this.ask(body))) {
      events.push(event);
      heard(event);
    }
    return events;
  }
}

/** @throws what the server answers instead */
async function read<T>(response: Response): Promise<T> {
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return response.json() as Promise<T>;
}

export async function* eventsOf(response: Response): AsyncGenerator<ExplanationEvent, void, void> {
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  let rest = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line) as ExplanationEvent;
  }
}

export async function serve(
  options: Partial<Omit<ServeOptions, 'limits'>> & { readonly limits?: Partial<ServeLimits> } = {},
): Promise<Client> {
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    signal: new AbortController().signal,
    ...options,
    limits: { ...SERVE_LIMITS, ...options.limits },
  });
  onTestFinished(() => server.close());
  return new Client(server);
}

export const given = (path: string, options = {}): NonNullable<ServeOptions['model']> => ({
  path,
  options,
  source: { path, args: [], load: {} },
});

export async function errorOf(response: Response): Promise<{ status: number } & ServeError> {
  return { status: response.status, ...((await response.json()) as ServeError) };
}

/** With headers that `fetch` sets itself. */
export function rawRequest(
  port: number,
  options: { path?: string; method?: string; headers: Record<string, string> },
): Promise<{ status: number; headers: IncomingHttpHeaders; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, ...options }, async response => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode!, headers: response.headers, text });
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** Resolves when it holds. */
export async function until(holds: () => boolean | Promise<boolean>, milliseconds = 10_000): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`it does not hold after ${milliseconds} ms: ${holds}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}
