import { visible } from '../common/visible.ts';

/** Bytes; file systems take 255, and what is written beside a file adds some to its name. */
const LONGEST = 200;
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** An uploaded file's name as it is safe in a folder of ours, on every platform; its extension stays. */
export function safeFileName(given: string | undefined, otherwise: string): string {
  const last = (given ?? '').split(/[\\/]/).at(-1)!;
  // What `visible` would write as an escape has no place in a file name.
  const plain = [...last.normalize('NFC')]
    .filter(character => visible(character) === character && !/[<>:"|?*]/.test(character))
    .join('');
  const trimmed = plain.trim().replace(/^\.+|[. ]+$/g, '');
  const name = RESERVED.test(trimmed) ? `_${trimmed}` : trimmed;
  return shortened(name === '' ? otherwise : name);
}

function shortened(name: string): string {
  if (Buffer.byteLength(name) <= LONGEST) return name;
  const extension = /(\.[A-Za-z0-9_]{1,10}){0,2}$/.exec(name)![0];
  let stem = [...name.slice(0, name.length - extension.length)];
  while (Buffer.byteLength(stem.join('')) > LONGEST - extension.length) stem = stem.slice(0, -1);
  return stem.join('') + extension;
}
