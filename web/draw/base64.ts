import { fromHalf } from '../../lib/report/half.ts';

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), character => character.charCodeAt(0));
}

/** Numbers that are stored as float16. */
export const halvesOf = (text: string): Float32Array => fromHalf(new Uint16Array(fromBase64(text).buffer));
