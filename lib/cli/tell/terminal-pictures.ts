import { image as itermImage } from 'ansi-escapes';
import { createSupportsTerminalGraphics } from 'supports-terminal-graphics';
import { encodeImage } from '../../image/encode.ts';
import type { RawPicture } from '../../image/raw-picture.ts';
import { tileOf } from '../../image/tile.ts';

/** Protocols by which terminals take pictures, the best first. */
const PROTOCOLS = ['kitty', 'iterm2', 'sixel'] as const;
export type PictureProtocol = (typeof PROTOCOLS)[number];

/** Pixels: a picture that is looked at, not all of a terminal. */
const LARGEST = { width: 480, height: 320 };
/** Of a character, about: terminals don't tell. Sixels have pixels of their own, so that those must fit small letters too. */
const CHARACTER = { width: 8, narrowest: 6 };

/** What the terminal behind a stream takes, or why it takes nothing. */
export function pictureProtocol(stream: { readonly isTTY: boolean }): PictureProtocol | { readonly reason: string } {
  if (!stream.isTTY) return { reason: 'standard output is no terminal' };
  const { env } = process;
  // Terminals within one keep its variables, and swallow pictures.
  if (env.TMUX) return { reason: 'tmux lets no pictures through' };
  if (env.ZELLIJ) return { reason: 'Zellij lets no pictures through' };
  if (/^screen/.test(env.TERM ?? '')) return { reason: 'screen lets no pictures through' };
  const supported = createSupportsTerminalGraphics(stream as NodeJS.WriteStream);
  // Programs started from kitty have its variables too, and VS Code's terminal says its name.
  const found = PROTOCOLS.filter(protocol => supported[protocol]);
  if (found.length > 0) return env.TERM_PROGRAM === 'vscode' ? 'iterm2' : found[0]!;
  // Known by this variable alone.
  if (/^foot\b/.test(env.TERM ?? '')) return 'sixel';
  return {
    reason:
      'this terminal is not known to show pictures (kitty, Ghostty, WezTerm, iTerm2, Konsole, Rio, Warp, VS Code, mintty, foot, mlterm are)',
  };
}

/** The characters that show a picture, at most as wide as the terminal of so many columns. */
export async function terminalPicture(
  picture: RawPicture,
  protocol: PictureProtocol,
  columns: number,
): Promise<string> {
  // Writing into the last column may wrap.
  const room = Math.max(1, columns - 1);
  const character = protocol === 'sixel' ? CHARACTER.narrowest : CHARACTER.width;
  const small = await tileOf(picture, Math.min(LARGEST.width, room * character), LARGEST.height);
  if (protocol === 'sixel') return sixelPicture(small);
  const png = await encodeImage(small);
  // In characters, so that it fits however many pixels these have.
  const cells = Math.min(room, Math.ceil(small.info.width / character));
  return protocol === 'kitty' ? kittyPicture(png, cells) : itermImage(png, { width: cells });
}

/** Most colours of a palette: those of VT340's successors. */
const COLOURS = 256;

async function sixelPicture({ data, info: { width, height } }: RawPicture): Promise<string> {
  const { image2sixel } = await import('sixel/lib/SixelEncoder.js');
  const rgba = new Uint8Array(4 * width * height).fill(255);
  for (let i = 0; i < width * height; i++) rgba.set(data.subarray(3 * i, 3 * i + 3), 4 * i);
  return image2sixel(rgba, width, height, COLOURS);
}

/** Characters of one command. */
const CHUNK = 4096;

/**
 * A PNG by kitty's protocol (https://sw.kovidgoyal.net/kitty/graphics-protocol/), which is not answered. By hand: the packages that
 * speak it bring decoders of 30 MB or write to the terminal themselves.
 */
function kittyPicture(png: Uint8Array, cells: number): string {
  const data = Buffer.from(png).toString('base64');
  const commands: string[] = [];
  for (let at = 0; at < data.length; at += CHUNK) {
    const first = at === 0 ? ['a=T', 'f=100', 'q=2', `c=${cells}`] : [];
    const keys = [...first, `m=${at + CHUNK < data.length ? 1 : 0}`];
    commands.push(`\x1b_G${keys.join(',')};${data.slice(at, at + CHUNK)}\x1b\\`);
  }
  return commands.join('');
}
