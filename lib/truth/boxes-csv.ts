import type { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { invalidTruth } from './error.ts';
import { checkBox, MarkedPicture } from './marked-picture.ts';
import { NameIndex } from './name-index.ts';

const COLUMNS = ['file', 'label', 'x', 'y', 'w', 'h'] as const;
type Column = (typeof COLUMNS)[number];
/** Spellings of other tools. */
const SPELLINGS: Readonly<Record<string, Column>> = {
  filename: 'file',
  image: 'file',
  class: 'label',
  width: 'w',
  height: 'h',
};
/** Characters of a line. */
const LONGEST = 2 ** 16;

/**
 * The pictures of a table `file,label,x,y,w,h`, a line for each object, in the pixels of the upright picture. The first line may name
 * the columns, in any order and with others between; without a label, or without a box, where its cells are empty.
 * @throws `ERR_TRUTH_INVALID` with file and line
 */
export async function readBoxesCsv(stream: Readable, path: string): Promise<NameIndex<MarkedPicture>> {
  const index = new NameIndex<MarkedPicture>(path);
  const parser = parse({ bom: true, info: true, trim: true, skip_empty_lines: true, max_record_size: LONGEST });
  stream.once('error', error => parser.destroy(error));
  let places: ReadonlyMap<Column, number> | undefined;
  try {
    for await (const { record, info } of stream.pipe(parser) as AsyncIterable<Line>) {
      const from = `${path}:${info.lines}`;
      if (!places) {
        const header = placesOf(record);
        places = header ?? new Map(COLUMNS.map((name, at) => [name, at]));
        if (header) continue;
      }
      addLine(index, name => record[places!.get(name) ?? -1] ?? '', path, from);
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw invalidTruth(`${path}:${error.lines ?? '?'}`, error.message, error);
  }
  return index;
}

interface Line {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/** Where the columns are, if the line names them. */
function placesOf(line: readonly string[]): ReadonlyMap<Column, number> | undefined {
  const names = line.map(cell => cell.toLowerCase()).map(cell => SPELLINGS[cell] ?? cell);
  const places = new Map(COLUMNS.flatMap(name => (names.includes(name) ? [[name, names.indexOf(name)] as const] : [])));
  return places.has('file') && places.size > 1 ? places : undefined;
}

function addLine(index: NameIndex<MarkedPicture>, cell: (name: Column) => string, path: string, from: string): void {
  const file = cell('file');
  if (file === '') throw invalidTruth(from, `expected ${COLUMNS.join(',')}; the file is missing`);
  const sides = (['x', 'y', 'w', 'h'] as const).map(cell);
  const label = cell('label');
  const hasBox = sides.some(side => side !== '');
  if (!hasBox && label === '')
    throw invalidTruth(from, `expected ${COLUMNS.join(',')}; there is neither a box nor a label`);
  const box = hasBox
    ? checkBox(
        sides.map(side => (side === '' ? Number.NaN : Number(side))),
        from,
      )
    : undefined;
  const picture = index.take(file, () => new MarkedPicture(`${path} (${file})`));
  picture.objects.push({ ...(label !== '' && { label }), ...(box && { box }) });
}
