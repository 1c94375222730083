import { type ErrorCode, OnnxCamError } from '../common/errors.ts';
import { isError } from '../common/kinds.ts';
import { visible } from '../common/visible.ts';
import type { ServeError } from './api.ts';

/** What a request is answered with instead of what it asked for. */
export class Refusal extends OnnxCamError {
  /** Of HTTP. */
  readonly status: number;

  constructor(status: number, code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, options);
    this.status = status;
  }
}

const NOT_FOUND: readonly ErrorCode[] = ['ERR_MODEL_NOT_FOUND', 'ERR_IMAGE_NOT_FOUND'];
/** What this machine, not the request, is to blame for. */
const OF_THE_SERVER: readonly ErrorCode[] = [
  'ERR_ADDON',
  'ERR_OUTPUT',
  'ERR_OUT_OF_MEMORY',
  'ERR_PROVIDER_UNAVAILABLE',
  'ERR_RUNTIME',
  'ERR_RUNTIME_NOT_FOUND',
];

/** The status of HTTP that fits. */
export function statusOf(error: unknown): number {
  if (error instanceof Refusal) return error.status;
  if (!(error instanceof OnnxCamError)) return clientStatus(error) ?? 500;
  if (error.code === 'ERR_BUSY') return 503;
  if (error.code === 'ERR_DISPOSED') return 410;
  if (NOT_FOUND.includes(error.code)) return 404;
  return OF_THE_SERVER.includes(error.code) ? 500 : 422;
}

/** Fastify's own refusals, such as JSON that is none. */
function clientStatus(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}

/**
 * What the page is told. Files are named as they were uploaded, without the folder that they lie in.
 * @param folder what begins the path of uploaded files
 */
export function serveError(error: unknown, folder: string): ServeError {
  const message = isError(error) ? error.message : String(error);
  const code =
    error instanceof OnnxCamError ? error.code : clientStatus(error) === undefined ? 'ERR_RUNTIME' : 'ERR_USAGE';
  return { code, message: withoutFolder(message, folder) };
}

export function withoutFolder(text: string, folder: string): string {
  const inside = new RegExp(`${escaped(folder)}[\\\\/](?:[\\w-]+[\\\\/])?`, 'g');
  return visible(text.replace(inside, ''));
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
