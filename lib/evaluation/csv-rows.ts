import { parse } from 'csv-parse';
import { stringify } from 'csv-stringify/sync';
import { type ErrorCode, OnnxCamError } from '../common/errors.ts';
import { type OpenFile, openRegular } from '../io/regular-file.ts';
import { MAP_STATUSES } from '../result/status.ts';
import { COLUMNS, type EvaluationRow, type FailedRow, isFailed, type MetricRow } from './rows.ts';

type Column = (typeof COLUMNS)[number];
type Cells = Readonly<Partial<Record<Column, string | number | boolean | null>>>;

/** The status of rows that say why an image has no others. */
const FAILED = 'error';

/** The first line. */
export const HEADER = `${COLUMNS.join(',')}\n`;

/** Whole lines of a table. */
export function csvLines(rows: readonly EvaluationRow[]): string {
  return stringify(
    rows.map(row => {
      const cells = cellsOf(row);
      return COLUMNS.map(column => cells[column] ?? '');
    }),
    { cast: { boolean: String, number: String } },
  );
}

function cellsOf(row: EvaluationRow): Cells {
  if (!isFailed(row)) return row;
  const { image, index, error } = row;
  return { image, index, status: FAILED, reason: `${error.code}: ${error.message}` };
}

/**
 * The rows of a table that {@link csvLines} wrote, one after the other. Lines behind the last whole one, which an interruption left,
 * are none.
 * @param options `failed`: those of images that failed too
 * @throws `ERR_OUTPUT` for a file that is another table or cannot be read
 */
export function readCsvRows(path: string): AsyncGenerator<MetricRow>;
export function readCsvRows(path: string, options: { readonly failed: true }): AsyncGenerator<EvaluationRow>;
export async function* readCsvRows(path: string, { failed = false } = {}): AsyncGenerator<EvaluationRow> {
  const open = await openRegular(path).catch(cause => {
    throw unreadable(path, cause as Error);
  });
  try {
    const whole = await wholeLength(open);
    if (whole === 0) return;
    const parser = parse({ info: true, relax_column_count: true });
    const stream = open.file.createReadStream({ autoClose: false, start: 0, end: whole - 1 });
    stream.once('error', error => parser.destroy(error));
    let isFirst = true;
    for await (const { record, info } of stream.pipe(parser) as AsyncIterable<Line>) {
      if (isFirst && record.join(',') !== COLUMNS.join(',')) throw foreign(path, info.lines);
      const isError = record[COLUMNS.indexOf('status')] === FAILED;
      if (!isFirst && !isError) yield rowOf(record, `${path}:${info.lines}`);
      if (!isFirst && isError && failed) yield failedRowOf(record, `${path}:${info.lines}`);
      isFirst = false;
    }
  } catch (cause) {
    // A line that ends inside quotes is the last: what an interruption left of it may hold a whole line of a name.
    if ((cause as { code?: string }).code === 'CSV_QUOTE_NOT_CLOSED') return;
    throw cause instanceof OnnxCamError ? cause : unreadable(path, cause as Error);
  } finally {
    await open.file.close();
  }
}

interface Line {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/** Bytes up to the end of the last line. */
async function wholeLength({ file, size }: OpenFile): Promise<number> {
  const piece = Buffer.alloc(2 ** 16);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - piece.length);
    const { bytesRead } = await file.read(piece, 0, end - start, start);
    const at = piece.subarray(0, bytesRead).lastIndexOf(10);
    if (at >= 0) return start + at + 1;
    end = start;
  }
  return 0;
}

function failedRowOf(record: readonly string[], from: string): FailedRow {
  const text = (column: Column): string => record[COLUMNS.indexOf(column)] ?? '';
  const [code, ...message] = text('reason').split(': ');
  const index = Number(text('index'));
  if (!Number.isSafeInteger(index)) throw foreign(from);
  return { image: text('image'), index, error: { code: code as ErrorCode, message: message.join(': ') } };
}

function rowOf(record: readonly string[], from: string): MetricRow {
  const fail = (): never => {
    throw foreign(from);
  };
  if (record.length !== COLUMNS.length) fail();
  const text = (column: Column): string => record[COLUMNS.indexOf(column)]!;
  const number = (column: Column): number | null => {
    const cell = text(column);
    if (cell === '') return null;
    const value = Number(cell);
    return Number.isFinite(value) ? value : fail();
  };
  const status = MAP_STATUSES.find(known => known === text('status')) ?? fail();
  return {
    image: text('image'),
    index: number('index') ?? fail(),
    class: number('class'),
    label: text('label') || null,
    probability: number('probability'),
    correct: text('correct') === '' ? null : text('correct') === 'true',
    method: text('method'),
    layer: text('layer'),
    convention: text('convention'),
    params: text('params'),
    metric: text('metric'),
    value: number('value'),
    status,
    reason: text('reason') || null,
    runs: number('runs') ?? 0,
    ms: number('ms') ?? 0,
  };
}

function foreign(place: string, line?: number): OnnxCamError {
  return new OnnxCamError(
    'ERR_OUTPUT',
    `${place}${line === undefined ? '' : `:${line}`} is no line of an evaluation's table (${COLUMNS.join(',')}); ` +
      'take another folder, or do without resuming',
  );
}

function unreadable(path: string, cause: Error): OnnxCamError {
  return new OnnxCamError('ERR_OUTPUT', `${path} cannot be read to go on from: ${cause.message}`, { cause });
}
