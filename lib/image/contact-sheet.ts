import { type RawPicture, rawPicture } from './raw-picture.ts';
import { cell, layOutSheet } from './sheet-layout.ts';
import { type TextPicture, textPicture } from './text-picture.ts';

/** A picture, words instead of one, or nothing. */
export type Tile = RawPicture | { readonly instead: string } | null;

export interface SheetRow {
  readonly caption: string;
  /** A faint line below it; '' for none. */
  readonly note: string;
  /** One for each column. */
  readonly tiles: readonly Tile[];
}

export interface ContactSheet {
  /** Lines above each column, all as many. */
  readonly columns: readonly (readonly string[])[];
  readonly rows: readonly SheetRow[];
  /** Lines below all. */
  readonly foot: readonly string[];
}

/** Pixels a side in which a tile fits. */
export const TILE = 192;
const WIDEST_CAPTION = 184;
const LINE_HEIGHT = 17;
const PAPER = 255;
const EMPTY = 228;
const NAME = { size: 9.5, colour: '#111111', width: WIDEST_CAPTION };
const NOTE = { size: 8, colour: '#777777', width: WIDEST_CAPTION };
const HEAD = { size: 9, colour: '#333333', width: TILE };

/**
 * Pictures in a table with captions. Words instead of a picture stand on grey.
 * @throws `ERR_ADDON` without sharp
 */
export async function drawContactSheet({ columns, rows, foot }: ContactSheet): Promise<RawPicture> {
  const heads = await Promise.all(columns.map(lines => texts(lines, HEAD)));
  const captions = await Promise.all(rows.map(({ caption }) => textPicture(caption, NAME)));
  const notes = await Promise.all(rows.map(({ note }) => textPicture(note, NOTE)));
  const layout = layOutSheet({
    captionWidth: widest([...captions, ...notes]),
    headWidths: heads.map(widest),
    tileWidths: columns.map((_, c) => Math.max(0, ...rows.map(({ tiles }) => pictureOf(tiles[c]!)?.info.width ?? 0))),
    tileHeights: rows.map(({ tiles }) => Math.max(0, ...tiles.map(tile => pictureOf(tile)?.info.height ?? 0))),
    lineHeight: LINE_HEIGHT,
    headLines: Math.max(0, ...columns.map(lines => lines.length)),
    footLines: foot.length,
  });
  const sheet = new Canvas(layout.width, layout.height);
  heads.forEach((lines, c) => {
    lines.forEach((line, l) => {
      sheet.write(line, layout.columns[c]!.x, layout.top + l * LINE_HEIGHT);
    });
  });
  for (const [r, { tiles, note }] of rows.entries()) {
    const { y, height } = layout.rows[r]!;
    const middle = y + height / 2 - (note === '' ? LINE_HEIGHT / 2 : LINE_HEIGHT);
    sheet.write(captions[r]!, layout.left, middle);
    sheet.write(notes[r]!, layout.left, middle + LINE_HEIGHT);
    for (const [c, tile] of tiles.entries()) {
      const place = cell(layout, r, c);
      if (tile === null) continue;
      if ('instead' in tile) {
        const words = await textPicture(tile.instead, { ...HEAD, width: place.width - LINE_HEIGHT });
        sheet.fill(place);
        sheet.write(words, place.x + (place.width - words.width) / 2, place.y + (place.height - words.height) / 2);
      } else sheet.draw(tile, place.x, place.y + Math.floor((place.height - tile.info.height) / 2));
    }
  }
  const lines = await texts(foot, { ...NOTE, width: layout.width - 2 * layout.left });
  lines.forEach((line, l) => {
    sheet.write(line, layout.left, layout.foot + l * LINE_HEIGHT);
  });
  return rawPicture(sheet.data, sheet.width, sheet.height);
}

const pictureOf = (tile: Tile): RawPicture | null => (tile === null || 'instead' in tile ? null : tile);

const texts = (lines: readonly string[], options: typeof HEAD): Promise<TextPicture[]> =>
  Promise.all(lines.map(line => textPicture(line, options)));

const widest = (pictures: readonly TextPicture[]): number => Math.max(0, ...pictures.map(({ width }) => width));

/** RGB pixels that are drawn on. */
class Canvas {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;

  constructor(width: number, height: number) {
    this.data = new Uint8Array(3 * width * height).fill(PAPER);
    this.width = width;
    this.height = height;
  }

  draw({ data, info }: RawPicture, x: number, y: number): void {
    for (let row = 0; row < info.height; row++)
      this.data.set(data.subarray(3 * row * info.width, 3 * (row + 1) * info.width), this.#at(x, y + row));
  }

  fill({ x, y, width, height }: Record<'x' | 'y' | 'width' | 'height', number>): void {
    for (let row = y; row < y + height; row++) this.data.fill(EMPTY, this.#at(x, row), this.#at(x + width, row));
  }

  /** Over what is there; what lies outside is left out. */
  write({ data, width, height }: TextPicture, left: number, top: number): void {
    const [x0, y0] = [Math.round(left), Math.round(top)];
    for (let y = 0; y < Math.min(height, this.height - y0); y++)
      for (let x = 0; x < Math.min(width, this.width - x0); x++) {
        const from = 4 * (y * width + x);
        const to = this.#at(x0 + x, y0 + y);
        const alpha = data[from + 3]! / 255;
        for (let c = 0; c < 3; c++)
          this.data[to + c] = Math.round(alpha * data[from + c]! + (1 - alpha) * this.data[to + c]!);
      }
  }

  #at(x: number, y: number): number {
    return 3 * (y * this.width + x);
  }
}
