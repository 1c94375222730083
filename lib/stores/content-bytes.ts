import { extname } from 'node:path';
import type { Content } from './output-store.ts';

/** As one piece, which servers want to know the length of. */
export function contentBytes(content: Content): Uint8Array<ArrayBuffer> {
  if (typeof content === 'string') return new TextEncoder().encode(content);
  if (Array.isArray(content)) return Buffer.concat(content as Uint8Array[]);
  return content as Uint8Array<ArrayBuffer>;
}

const TYPES: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.json': 'application/json',
  '.jsonl': 'application/jsonl',
  '.html': 'text/html; charset=utf-8',
};

/** Media type of a file that this program writes, so that browsers show it. */
export function contentType(name: string): string {
  return TYPES[extname(name)] ?? 'application/octet-stream';
}
