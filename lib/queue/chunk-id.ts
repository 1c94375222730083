import { createHash } from 'node:crypto';
import { shownAddress } from '../stores/address.ts';
import type { Chunk } from './chunk.ts';

/**
 * The same for the same work: of the model's bytes, the options, the folder, the part and the names in it. Neither of the
 * version, nor of where the model lies, nor of what signs an address.
 */
export function chunkId({ model, options, out, part, inputs }: Chunk): string {
  const names = inputs.map(input => ('stem' in input ? [input.path, input.stem] : [input.path]));
  const text = JSON.stringify(sorted([model.sha256, options, shownAddress(out), part, names]));
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 32);
  return `${part.index}of${part.count}-${hash}`;
}

/** Objects with their keys in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([key, inner]) => [key, sorted(inner)]);
}
