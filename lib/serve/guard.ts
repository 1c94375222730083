import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { FastifyRequest } from 'fastify';
import { Refusal } from './refusal.ts';

/** 192 random bits, as they stand in an address. */
export const makeToken = (): string => randomBytes(24).toString('base64url');

/** Equal, in a time that tells nothing of where they differ. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

const ANY_ADDRESS = ['0.0.0.0', '::'];

/**
 * Names that this server is called by. A page of another site whose name was made to lead here (DNS rebinding) calls it by that name.
 * @param given what it listens to
 */
function isOwnHost(host: string, given: string): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  const bare = name.replace(/^\[(.*)\]$/, '$1');
  if (['127.0.0.1', 'localhost', '::1', given.toLowerCase()].includes(bare)) return true;
  // An address of this machine is no name that somebody else gave it.
  return ANY_ADDRESS.includes(given) && (isIP(bare) !== 0 || bare === hostname().toLowerCase());
}

export interface Guarded {
  readonly token: string;
  /** What the server listens to. */
  readonly host: string;
}

/**
 * Lets a request through that names this server, comes from its own page, and knows its token: in the address of the page and of what
 * that loads, in a header everywhere else, which other sites can't send.
 * @throws Refusal
 */
export function guard(request: FastifyRequest, { token, host }: Guarded): void {
  const called = request.headers.host ?? '';
  if (!isOwnHost(called, host))
    throw new Refusal(
      403,
      'ERR_USAGE',
      `this server is not called ${called === '' ? 'by no name' : `"${called}"`}: use the address that onnx-cam serve printed`,
    );
  const isReading = ['GET', 'HEAD'].includes(request.method);
  const { origin } = request.headers;
  if (!isReading && origin !== undefined && origin !== `http://${called}`)
    throw new Refusal(403, 'ERR_USAGE', 'requests from pages of other origins are refused');
  const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const { token: asked } = request.query as { token?: unknown };
  const known = given ?? (isReading && !request.url.startsWith('/api/') ? asked : undefined);
  if (typeof known !== 'string' || !isSame(known, token))
    throw new Refusal(
      401,
      'ERR_USAGE',
      'the token is missing or wrong: open the whole address that onnx-cam serve printed, with what stands behind the question mark; each start has its own',
    );
}
