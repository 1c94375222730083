import type { Comparison } from '../evaluation/compare.ts';
import type { Provenance } from '../evaluation/provenance.ts';
import type { MapMaker } from '../evaluation/rows.ts';
import type { DataSetEntry, EvaluationSummary, SummaryEntry } from '../evaluation/summary.ts';
import {
  type Check,
  fields,
  isCount,
  isFlag,
  isListOf,
  isNumber,
  isRecordOf,
  isText,
  oneOf,
  orNull,
} from './shapes.ts';

const maker = { method: isText, layer: isText, convention: isText, params: isText } satisfies Record<
  keyof MapMaker,
  Check
>;
const isDirection = oneOf('higher', 'lower');
const isInterval = orNull(isListOf(isNumber, 2));

const isEntry = fields({
  ...maker,
  metric: isText,
  direction: isDirection,
  control: isFlag,
  n: isCount,
  missing: isRecordOf(isCount),
  mean: orNull(isNumber),
  sd: orNull(isNumber),
  se: orNull(isNumber),
  ci95: isInterval,
  median: orNull(isNumber),
  rank: orNull(isNumber),
  rankImages: isCount,
} satisfies Record<keyof SummaryEntry, Check>);

const isFigure = fields({
  ...maker,
  name: isText,
  direction: isDirection,
  control: isFlag,
  n: isCount,
  value: orNull(isNumber),
  ci95: isInterval,
} satisfies Record<keyof DataSetEntry, Check>);

const isComparison = fields({
  metric: isText,
  a: fields(maker),
  b: fields(maker),
  n: isCount,
  difference: isNumber,
  se: orNull(isNumber),
  ci95: isInterval,
  wins: isCount,
  ties: isCount,
  losses: isCount,
  win: isNumber,
  p: isNumber,
  pHolm: isNumber,
} satisfies Record<keyof Comparison, Check>);

const isProvenance = fields({
  versions: isRecordOf(orNull(isText)),
  model: fields({ path: orNull(isText), sha256: orNull(isText) }),
  images: fields({ given: isCount, chosen: isText, leftOut: isCount }),
  preprocess: orNull(fields({})),
  target: isText,
  convention: isText,
  params: isRecordOf(fields({})),
  truth: orNull(fields({ from: isText, unmatched: isCount })),
  seed: isNumber,
  bootstrap: fields({ resamples: isCount, interval: isText }),
  started: isText,
  resumed: isFlag,
  warnings: isListOf(isText),
} satisfies Record<keyof Provenance, Check>);

const isSummary = fields({
  images: isCount,
  failed: isCount,
  metrics: isListOf(isEntry),
  dataSet: isListOf(isFigure),
  comparisons: isListOf(isComparison),
  provenance: isProvenance,
} satisfies Record<keyof EvaluationSummary, Check>);

/** null where the text is no summary of an evaluation. */
export function parseSummary(text: string): EvaluationSummary | null {
  try {
    const value: unknown = JSON.parse(text);
    return isSummary(value) ? (value as EvaluationSummary) : null;
  } catch {
    return null;
  }
}
