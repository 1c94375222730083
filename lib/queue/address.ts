import { queueError } from './queue-error.ts';

/** Where a queue is. */
export interface QueueAddress {
  readonly kind: 'redis' | 'postgres';
  /** With the password: for the client alone. */
  readonly url: string;
  /** Without name, password and options: for people. */
  readonly shown: string;
}

const KINDS: ReadonlyMap<string, QueueAddress['kind']> = new Map([
  ['redis:', 'redis'],
  ['rediss:', 'redis'],
  ['postgres:', 'postgres'],
  ['postgresql:', 'postgres'],
]);

const FORMS =
  'redis://HOST:6379, rediss://USER:PASSWORD@HOST (Redis or Valkey) or postgres://USER:PASSWORD@HOST/DATABASE';

/**
 * Reads a queue's address. What cannot be read is not repeated: there may be a password in it.
 * @throws `ERR_QUEUE`
 */
export function queueAddress(text: string): QueueAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const kind = url && KINDS.get(url.protocol);
  if (url && !kind)
    throw queueError(`a queue's address begins with redis, rediss or postgres, not ${url.protocol}: give ${FORMS}`);
  if (!url || !kind || (kind === 'redis' && url.hostname === ''))
    throw queueError(
      `the queue's address cannot be read: give ${FORMS}; characters such as # / ? @ in a password are written as %23 %2F %3F %40`,
    );
  // An @ behind the host: of a password with a / in it, of which the rest would be told.
  const isClear = !/[@%]/.test(url.pathname);
  return { kind, url: text, shown: isClear ? `${url.protocol}//${url.host}${url.pathname}` : url.protocol };
}
