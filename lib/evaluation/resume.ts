import { join } from 'node:path';
import { OnnxCamError } from '../common/errors.ts';
import { isThere } from '../io/is-there.ts';
import { readRegular } from '../io/regular-file.ts';
import { readCsvRows } from './csv-rows.ts';
import { CURVED, CurveSums } from './curves.ts';
import { DATA_SET_FIGURES } from './data-set.ts';
import type { MetricRow } from './rows.ts';
import { RowsDone } from './rows-done.ts';
import { differenceOf, isSameMetric, parseRunRecord, type RunIdentity, type RunRecord } from './run-record.ts';

/** What was taken over from an earlier run. */
export interface Taken {
  readonly done: RowsDone;
  readonly curves: CurveSums;
  /** Rows that the curves are made of. */
  curveRows: number;
  count: number;
}

export function nothingTaken(): Taken {
  return { done: new RowsDone(), curves: new CurveSums(), curveRows: 0, count: 0 };
}

/** Rows that are copied at once. */
const AT_ONCE = 500;
/** Bytes of curves.json. */
const LARGEST = 2 ** 28;

/**
 * Reads what an earlier run left in a folder, and hands on the rows that hold for this one: of the same model, settings and metric
 * parameters. Rows of curves hold as far as curves.json has added them up; those of figures that rows alone do not tell never do.
 * @throws `ERR_OPTION_INVALID` for an evaluation of another run, `ERR_OUTPUT` for a table that is none of an evaluation
 */
export async function resumeRows(
  folder: string,
  run: RunIdentity,
  taken: Taken,
  take: (rows: MetricRow[]) => Promise<void>,
): Promise<void> {
  const path = join(folder, 'metrics.csv');
  if (!(await isThere(path))) return;
  const record = await readRecord(join(folder, 'curves.json'));
  const difference = record === undefined ? 'its curves.json is missing or damaged' : differenceOf(record.run, run);
  if (record === undefined || difference !== undefined)
    throw new OnnxCamError(
      'ERR_OPTION_INVALID',
      `the evaluation in ${folder} cannot be gone on with: ${difference}; take another folder, or do without resuming, which replaces it`,
    );
  const usesCurves = await holdsCurves(path, record);
  const holds = new Map(Object.keys(run.metrics).map(name => [name, isSameMetric(record.run, run, name)]));
  let waiting: MetricRow[] = [];
  let curveRows = 0;
  for await (const row of readCsvRows(path)) {
    const { metric } = row;
    if (CURVED.has(metric) && (++curveRows > record.rows || !usesCurves)) continue;
    // Of other metrics than the ones asked for too: the table keeps them.
    if (!(holds.get(metric) ?? true) || NEEDS_MORE.has(metric)) continue;
    if (taken.done.has(row)) continue;
    taken.done.add(row);
    taken.count++;
    if (CURVED.has(metric)) taken.curveRows++;
    waiting.push(row);
    if (waiting.length < AT_ONCE) continue;
    await take(waiting);
    waiting = [];
  }
  await take(waiting);
  for (const curve of usesCurves ? record.curves : [])
    if (holds.get(curve.metric) ?? true) taken.curves.add(curve, curve, curve.n);
}

const NEEDS_MORE: ReadonlySet<string> = new Set(
  DATA_SET_FIGURES.filter(({ needsMore }) => needsMore).map(({ metric }) => metric),
);

/** Whether the table still has the rows that the curves were made of. */
async function holdsCurves(path: string, record: RunRecord): Promise<boolean> {
  let count = 0;
  for await (const { metric } of readCsvRows(path)) if (CURVED.has(metric)) count++;
  return count >= record.rows;
}

async function readRecord(path: string): Promise<RunRecord | undefined> {
  try {
    return parseRunRecord(Buffer.from(await readRegular(path, LARGEST)).toString('utf8'));
  } catch {
    return undefined;
  }
}
