import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** What becomes of a request: answered, refused with a status, never answered, or answered by half. */
export type Fate = 'pass' | 'hang' | 'cut' | number;

/** A server of the tests, whose requests can go wrong. */
export interface TestServer {
  readonly origin: string;
  /** METHOD and path of each request so far. */
  readonly requests: string[];
  /** Decides what becomes of the requests from now on. @param count how many came before it */
  fate: (request: IncomingMessage, count: number) => Fate;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Answers until the test is over. */
export async function listen(handler: Handler): Promise<TestServer> {
  const server = { origin: '', requests: [] as string[], fate: (): Fate => 'pass' } as TestServer;
  const http = createServer((asked, answer) => {
    const fate = server.fate(asked, server.requests.length);
    server.requests.push(`${asked.method} ${asked.url}`);
    if (fate === 'hang') return;
    if (typeof fate === 'number') {
      // What came is read first: who is still sending would take the closed connection for the fault.
      asked.resume().on('end', () => answer.writeHead(fate).end());
      return;
    }
    if (fate === 'cut') cutShort(answer);
    void handler(asked, answer);
  });
  const port = await new Promise<number>(resolve =>
    http.listen(0, '127.0.0.1', () => resolve((http.address() as AddressInfo).port)),
  );
  onTestFinished(() => close(http));
  return Object.assign(server, { origin: `http://127.0.0.1:${port}` });
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise(resolve => server.close(resolve));
}

/** Where nobody answers. */
export async function deadOrigin(): Promise<string> {
  const http = createServer();
  const port = await new Promise<number>(resolve =>
    http.listen(0, '127.0.0.1', () => resolve((http.address() as AddressInfo).port)),
  );
  await close(http);
  return `http://127.0.0.1:${port}`;
}

/** Says the whole length, sends half, and breaks off. */
function cutShort(answer: ServerResponse): void {
  const write = answer.write.bind(answer);
  answer.end = ((content?: Buffer) => {
    const whole = content ?? Buffer.alloc(0);
    if (!answer.headersSent) answer.setHeader('content-length', whole.length);
    write(whole.subarray(0, Math.floor(whole.length / 2)), () => answer.destroy());
  }) as never;
}

/** Variables of the environment for one test; undefined takes one away. */
export function setEnvironment(values: Readonly<Record<string, string | undefined>>): void {
  const before = Object.fromEntries(Object.keys(values).map(name => [name, process.env[name]]));
  const assign = (all: Readonly<Record<string, string | undefined>>) => {
    for (const [name, value] of Object.entries(all))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  };
  assign(values);
  onTestFinished(() => assign(before));
}
