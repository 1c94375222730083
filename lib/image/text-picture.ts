import { existsSync } from 'node:fs';
import { captionFont } from '#package';
import { visible } from '../common/visible.ts';
import { loadSharp } from './sharp.ts';

/** A line of text on nothing, [height, width] RGBA. */
export interface TextPicture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export interface TextOptions {
  /** Points at 96 dots an inch. */
  readonly size: number;
  readonly colour: string;
  /** Pixels; longer lines have an ellipsis in their middle. */
  readonly width: number;
}

/** Letters that the package's font lacks are taken from the system's, where it has any. */
const FAMILY = 'DejaVu Sans';
/** As high as a line, and not seen: pictures end where the letters do, so that those without it would not stand on one line. */
const STRUT = '<span fgalpha="1">|</span>';

/**
 * Draws one line of text with the font that the package brings, so that machines without fonts do too. Characters that act are shown
 * escaped.
 * @throws `ERR_ADDON` without sharp
 */
export async function textPicture(text: string, options: TextOptions): Promise<TextPicture> {
  const characters = charactersOf(visible(text), 4 * options.width);
  // No letter is narrower than two pixels but for marks; a line of a hundred thousand cannot be drawn at all.
  let kept = Math.min(characters.length, Math.ceil(options.width / 2));
  for (;;) {
    const drawn = await draw(shortened(characters, kept), options);
    if (drawn.width <= options.width) return drawn;
    if (kept <= 1) return cut(drawn, options.width);
    // Letters are about equally wide: two or three attempts.
    kept = Math.max(1, Math.min(kept - 1, Math.floor((kept * options.width) / drawn.width)));
  }
}

/** Those of the ends alone where a text is longer than both: a segmenter holds a copy of all of it for each character. */
function charactersOf(text: string, end: number): string[] {
  const parts = text.length > 2 * end ? [text.slice(0, end), text.slice(-end)] : [text];
  const segmenter = new Intl.Segmenter();
  return parts.flatMap(part => [...segmenter.segment(part)].map(({ segment }) => segment));
}

/** What tells names apart is at both ends. */
function shortened(characters: readonly string[], kept: number): string {
  if (kept >= characters.length) return characters.join('');
  const tail = Math.floor((kept - 1) / 2);
  return `${characters.slice(0, kept - tail).join('')}…${characters.slice(characters.length - tail).join('')}`;
}

async function draw(text: string, { size, colour }: TextOptions): Promise<TextPicture> {
  const sharp = await loadSharp();
  configureFonts();
  const { data, info } = await sharp({
    text: {
      text: `<span foreground="${colour}">${STRUT}${escaped(text)}</span>`,
      font: `${FAMILY} ${size}`,
      fontfile: captionFont.file(),
      rgba: true,
      dpi: 96,
    },
  })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

/** Where fontconfig looks on Linux unless told otherwise. Without a file it complains on standard error, as in most containers. */
function configureFonts(): void {
  const { env, platform } = process;
  const isTold = env.FONTCONFIG_FILE !== undefined || env.FONTCONFIG_PATH !== undefined;
  if (platform !== 'linux' || isTold || existsSync('/etc/fonts/fonts.conf')) return;
  env.FONTCONFIG_FILE = captionFont.config();
}

/** Pango's markup. */
const escaped = (text: string): string => text.replaceAll(/[&<>]/g, one => `&#${one.charCodeAt(0)};`);

/** One character of many marks. */
function cut({ data, width, height }: TextPicture, kept: number): TextPicture {
  const rows = Array.from({ length: height }, (_, y) => data.subarray(4 * y * width, 4 * (y * width + kept)));
  return { data: Uint8Array.from(rows.flatMap(row => [...row])), width: kept, height };
}
