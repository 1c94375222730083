import { extname } from 'node:path';
import { digest } from './address.ts';

/** Bytes of a part of a name: room for what is put behind it, in the 255 that file systems take. */
const LONGEST = 150;
/** What Windows takes for devices, whatever stands behind a dot. */
const DEVICES = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\.|$)/i;

/** The name of a web address' file: the last part of its path, where `%2F` parts too, or the host. */
export function nameOfUrl(url: URL): string {
  const part = url.pathname.split('/').findLast(one => one !== '') ?? url.hostname;
  const name = decoded(part)
    .split(/[\\/]/)
    .findLast(one => one !== '');
  return safeName(name ?? part);
}

/** A key's path below a prefix, each part of it fit to be a name of a file or folder. */
export function nameOfKey(key: string): string {
  const parts = key.split('/').filter(part => part !== '');
  return parts.map(safeName).join('/') || 'object';
}

/** A part of an address as text; where it is none, as it is. */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * A stranger's text as the name of one file or folder that every system takes: without separators, characters that act on a terminal,
 * names of devices, dots that lead elsewhere or hide.
 */
function safeName(text: string): string {
  const plain = text
    .normalize('NFC')
    .replaceAll(/[\\/:*?"<>|\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '_')
    .replace(/^\.+/, '_')
    .replace(/[. ]+$/, '_');
  return shortened(DEVICES.test(plain) ? `_${plain}` : plain || '_');
}

/** Names that begin alike stay apart. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= LONGEST) return name;
  const extension = extname(name);
  const end = `-${digest(name).slice(0, 12)}${Buffer.byteLength(extension) <= 10 ? extension : ''}`;
  let start = '';
  let length = Buffer.byteLength(end);
  for (const character of name) {
    length += Buffer.byteLength(character);
    if (length > LONGEST) break;
    start += character;
  }
  return start + end;
}
