import { packageVersion } from '#package';
import { isError } from '../common/kinds.ts';
import { IdleWatch } from './idle-watch.ts';
import { RemoteFailure } from './remote-failure.ts';
import { withRetries } from './retries.ts';

/** What a server said. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The content, unpacked where it came packed; once. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface HttpRequest {
  readonly method?: 'GET' | 'HEAD' | 'PUT' | 'DELETE' | 'MKCOL';
  readonly headers?: Readonly<Record<string, string>>;
  /** Called for each try: bytes, or a stream of as many as `content-length` says. */
  readonly body?: () => Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
  /** Statuses besides those of success that are answers and no failures. */
  readonly accept?: readonly number[];
  readonly signal?: AbortSignal | undefined;
}

/** A GET leads at most so often somewhere else. */
const MOST_REDIRECTS = 5;
/** Bytes a millisecond that a server takes at the least, so that large bodies have time to go. */
const SLOWEST_UPLOAD = 50;

/**
 * Asks a server and uses its answer, again where one or the other fails in a way that may pass. Passwords of the address go into a
 * header, and to no other host.
 * @param use is called for each answer, and may fail; what it leaves of the content is not read
 * @throws RemoteFailure, `ERR_ABORTED`
 */
export function httpRequest<T>(
  url: URL,
  request: HttpRequest,
  use: (answer: HttpAnswer) => T | Promise<T>,
): Promise<T> {
  return withRetries(() => attempt(url, request, use), request.signal);
}

async function attempt<T>(url: URL, request: HttpRequest, use: (answer: HttpAnswer) => T | Promise<T>): Promise<T> {
  const watch = new IdleWatch(request.signal);
  let response: Response | undefined;
  try {
    response = await followed(url, request, watch);
    watch.touch();
    const { status, headers, body } = response;
    if (!response.ok && !request.accept?.includes(status)) throw refusal(response, url);
    // Not the reader of Response: it would hide which failures are the network's.
    const chunks = body ? watch.watched(body as AsyncIterable<Uint8Array>) : none();
    return await use({ status, headers, chunks });
  } catch (error) {
    throw failureOf(error, url, watch.signal);
  } finally {
    watch.end();
    if (response?.body && !response.body.locked) await response.body.cancel().catch(() => {});
  }
}

async function* none(): AsyncGenerator<Uint8Array> {}

async function followed(start: URL, request: HttpRequest, watch: IdleWatch): Promise<Response> {
  const { method = 'GET', body } = request;
  let url = start;
  for (let turn = 0; ; turn++) {
    const headers = { 'user-agent': `onnx-cam/${packageVersion()}`, ...request.headers, ...loginOf(url, start) };
    const content = body && watched(body(), watch);
    const response = await fetch(withoutLogin(url), {
      method,
      headers,
      redirect: 'manual',
      signal: watch.signal,
      ...(content && { body: content, duplex: 'half' }),
    } as RequestInit);
    const next = [301, 302, 303, 307, 308].includes(response.status) ? response.headers.get('location') : null;
    if (next === null) return response;
    await response.body?.cancel();
    if (turn === MOST_REDIRECTS) throw other(`the server leads on more than ${MOST_REDIRECTS} times`);
    url = placeOf(next, url);
    if (method !== 'GET' && method !== 'HEAD')
      throw other(`the server leads to ${url.origin}; give the address there, since nothing is written by detours`);
  }
}

/** What goes to the server is a sign of life as well: of a stream piece by piece, of bytes at the slowest. */
function watched(content: ReturnType<NonNullable<HttpRequest['body']>>, watch: IdleWatch): typeof content {
  if ('byteLength' in content) {
    watch.touch(content.byteLength / SLOWEST_UPLOAD);
    return content;
  }
  const pass = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      watch.touch();
      controller.enqueue(chunk);
    },
  });
  return content.pipeThrough(pass);
}

function placeOf(location: string, from: URL): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  const isWeb = to?.protocol === 'https:' || to?.protocol === 'http:';
  if (!to || !isWeb) throw other(`the server leads to ${to ? `a ${to.protocol} address` : 'no valid address'}`);
  if (from.protocol === 'https:' && to.protocol === 'http:')
    throw other(`the server leads from https to http (${to.host}), where anybody on the way could answer`);
  return to;
}

function loginOf(url: URL, start: URL): Record<string, string> {
  const { username, password } = start;
  if ((username === '' && password === '') || url.origin !== start.origin) return {};
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
}

/** fetch refuses addresses with passwords. */
function withoutLogin(url: URL): URL {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  return plain;
}

const TEMPORARY = [408, 425, 429, 500, 502, 503, 504];

function refusal({ status, statusText, headers }: Response, { host }: URL): RemoteFailure {
  const answer = `${host} answers ${status}${statusText ? ` ${statusText.slice(0, 80)}` : ''}`;
  if (status === 404 || status === 410) return new RemoteFailure('missing', `there is nothing there (${answer})`);
  if (status === 401 || status === 403 || status === 407)
    return new RemoteFailure('refused', `no permission (${answer}): credentials are missing, wrong or expired`);
  if (!TEMPORARY.includes(status)) return other(answer);
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return new RemoteFailure('temporary', answer, { retryAfter: seconds >= 0 ? seconds * 1000 : undefined });
}

/** What fetch throws says little; its cause has a code. */
function failureOf(error: unknown, { host, hostname }: URL, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  // What `fetch` says of a server that does not answer.
  if (!isError(error) || error.name !== 'TypeError') return error;
  const cause = error.cause as { readonly code?: unknown; readonly message?: unknown } | undefined;
  const code = typeof cause?.code === 'string' ? cause.code : '';
  if (code === 'ENOTFOUND')
    return new RemoteFailure('other', `no host of the name ${hostname} is known`, { cause: error });
  if (/CERT|^ERR_TLS|^UNABLE_TO|SELF_SIGNED/.test(code))
    return new RemoteFailure(
      'other',
      `the certificate of ${host} is not trusted (${code}); NODE_EXTRA_CA_CERTS names a file of further authorities`,
      { cause: error },
    );
  const isNetwork = /^(E[A-Z_]+|UND_ERR_\w+|HPE_\w+)$/.test(code);
  if (!isNetwork) return cause === undefined ? error : other(`${host}: ${String(cause.message ?? code)}`, error);
  return new RemoteFailure('temporary', `${host} cannot be reached, or broke off (${code})`, { cause: error });
}

function other(message: string, cause?: unknown): RemoteFailure {
  return new RemoteFailure('other', message, { cause });
}
