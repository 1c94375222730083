import type { Rect, Size } from './geometry.ts';

/** Pixels of what a sheet is laid out from. */
export interface SheetParts {
  /** Of the captions beside the rows, the widest. */
  readonly captionWidth: number;
  /** Of the captions above each column, the widest. */
  readonly headWidths: readonly number[];
  /** Of each column's widest tile. */
  readonly tileWidths: readonly number[];
  /** Of each row's highest tile. */
  readonly tileHeights: readonly number[];
  /** Of a line of text. */
  readonly lineHeight: number;
  /** Lines above the columns, and below all. */
  readonly headLines: number;
  readonly footLines: number;
}

/** Where things are; rectangles in the sheet's pixels, from the top left. */
export interface SheetLayout extends Size {
  /** The left edge of the captions of rows, and of the lines below all. */
  readonly left: number;
  /** The top of the first line above the columns, and of the first below all. */
  readonly top: number;
  readonly foot: number;
  readonly columns: readonly { readonly x: number; readonly width: number }[];
  readonly rows: readonly { readonly y: number; readonly height: number }[];
}

export const GAP = 8;
export const MARGIN = 16;
/** A row without pictures still has room for its caption. */
const LEAST_HEIGHT = 44;
/** A column of narrow pictures still has room for words. */
const LEAST_WIDTH = 160;

/** A table: captions at the left and above, each column as wide and each row as high as its largest tile. */
export function layOutSheet(parts: SheetParts): SheetLayout {
  const { captionWidth, headWidths, tileWidths, tileHeights, lineHeight, headLines, footLines } = parts;
  let x = MARGIN + captionWidth + (captionWidth > 0 ? 2 * GAP : 0);
  const columns = tileWidths.map((tile, c) => {
    const column = { x, width: Math.max(LEAST_WIDTH, tile, headWidths[c]!) };
    x += column.width + GAP;
    return column;
  });
  let y = MARGIN + headLines * lineHeight + GAP;
  const rows = tileHeights.map(tile => {
    const row = { y, height: Math.max(LEAST_HEIGHT, tile) };
    y += row.height + GAP;
    return row;
  });
  const foot = y;
  const height = footLines > 0 ? foot + footLines * lineHeight + MARGIN : y - GAP + MARGIN;
  return { left: MARGIN, top: MARGIN, foot, columns, rows, width: x - GAP + MARGIN, height };
}

/** The cell of a table. */
export function cell({ columns, rows }: SheetLayout, row: number, column: number): Rect {
  const { x, width } = columns[column]!;
  const { y, height } = rows[row]!;
  return { x, y, width, height };
}
