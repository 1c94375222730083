import { signal } from '@preact/signals';
import type { ServeError } from '../../lib/serve/api.ts';

/** What the server refused, or why it could not be asked; `code` is null for what no server said. */
export class ServeFault extends Error {
  readonly code: ServeError['code'] | null;

  constructor(code: ServeError['code'] | null, message: string) {
    super(message);
    this.code = code;
  }
}

/** 'lost': nobody answers; 'refused': the address' token is not this server's. */
export const connection = signal<'fine' | 'lost' | 'refused'>('fine');

const LOST = 'the server does not answer';
const REFUSED = 'the server does not know the token of this address';

/** Stays in the address too, so that the page can be loaded again. */
const token = new URLSearchParams(location.search).get('token') ?? '';

export const AUTHORIZATION = `Bearer ${token}`;

/**
 * Asks the server.
 * @param body sent as JSON
 * @returns its answer, if it is no error
 * @throws ServeFault; and what `signal` says where it fires
 */
export async function request(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  { body, signal }: { readonly body?: unknown; readonly signal?: AbortSignal } = {},
): Promise<Response> {
  const response = await fetch(path, {
    method,
    headers: { authorization: AUTHORIZATION, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
    cache: 'no-store',
  }).catch(cause => {
    signal?.throwIfAborted();
    throw lost(cause);
  });
  if (response.ok) {
    connection.value = 'fine';
    return response;
  }
  throw faultOf(response.status, await response.text().catch(() => ''));
}

/** Says on the page that nobody answers. */
export function lost(cause?: unknown): ServeFault {
  connection.value = 'lost';
  return Object.assign(new ServeFault(null, LOST), { cause });
}

/** What an answer with a status of 4xx or 5xx says. */
export function faultOf(status: number, text: string): ServeFault {
  if (status === 401) {
    connection.value = 'refused';
    return new ServeFault(null, REFUSED);
  }
  connection.value = 'fine';
  try {
    const { code, message } = JSON.parse(text) as Partial<ServeError>;
    if (typeof code === 'string' && typeof message === 'string') return new ServeFault(code, message);
  } catch {
    // Said by something between page and server.
  }
  return new ServeFault(null, `the server answered with status ${status}`);
}
