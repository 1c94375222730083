import { batch, computed } from '@preact/signals';
import type { PhotoInRun, ReportMaker, ReportResult } from '../../lib/report/data.ts';
import { resultOf } from './grid.ts';
import { report } from './report.ts';
import { settings } from './settings.ts';
import { shownPhoto, shownRun } from './shown.ts';

// Which results of a photograph the settings choose: one, or the two that are compared.

/** One of the two that are compared; the first is also what single views show. */
export interface Side {
  readonly run: { value: number };
  readonly maker: { value: number };
  readonly target: { value: number };
  readonly kind: { value: string };
}

export const FIRST: Side = settings;
export const OTHER: Side = {
  run: settings.otherRun,
  maker: settings.otherMaker,
  target: settings.otherTarget,
  kind: settings.otherKind,
};

/** What is selected on a side. */
export interface Selected {
  readonly run: number;
  readonly said: PhotoInRun | null;
  /** Its place in `said.results`; null where there is none. */
  readonly place: number | null;
  readonly result: ReportResult | null;
}

const selectedOf = (run: number, { maker, target, kind }: Side): Selected => {
  const said = report.value.photos[shownPhoto.value]?.runs[run] ?? null;
  const place = resultOf(said, maker.value, target.value, kind.value);
  return { run, said, place, result: place === null ? null : said!.results[place]! };
};

export const selected = computed(() => selectedOf(shownRun.value, FIRST));

/** What was not chosen there is as on the first side: the same maker of another run, or another maker of the same, for the same class. */
export const otherSelected = computed(() => {
  const { runs } = report.value;
  const first = selected.value;
  const run = Math.min(Math.max(0, Math.trunc(OTHER.run.value)), runs.length - 1);
  const here = first.result?.maker;
  const another = () => first.said?.results.find(({ maker }) => maker !== here)?.maker ?? -1;
  const like = () => likeMaker(runs[first.run]!.makers[here ?? -1], runs[run]!.makers);
  const maker = OTHER.maker.value >= 0 ? OTHER.maker.value : run === first.run ? another() : like();
  const isChosen = OTHER.target.value >= 0 || !first.result;
  const { index, kind } = isChosen ? { index: OTHER.target.value, kind: OTHER.kind.value } : first.result.target;
  return selectedOf(run, { run: OTHER.run, maker: { value: maker }, target: { value: index }, kind: { value: kind } });
});

/** The place of the maker that is most like one of another run; -1 where there is none. */
function likeMaker(maker: ReportMaker | undefined, makers: readonly ReportMaker[]): number {
  if (!maker) return -1;
  const fields = ['method', 'technique', 'layer', 'convention', 'params'] as const;
  for (let count = fields.length; count > 0; count--) {
    const place = makers.findIndex(other => fields.slice(0, count).every(field => other[field] === maker[field]));
    if (place >= 0) return place;
  }
  return -1;
}

/** Chooses a run on a side, whose maker stays the same where both runs have it. */
export function selectRun(side: Side, from: number, to: number): void {
  const { runs } = report.value;
  batch(() => {
    side.run.value = to;
    if (side.maker.value >= 0) side.maker.value = likeMaker(runs[from]!.makers[side.maker.value], runs[to]!.makers);
  });
}

/** Chooses a result on a side. */
export function select({ maker, target, kind }: Side, result: Pick<ReportResult, 'maker' | 'target'>): void {
  batch(() => {
    maker.value = result.maker;
    target.value = result.target.index;
    kind.value = result.target.kind;
  });
}

/** What was asked of a photograph, each once, in order. */
export function targetsOf(said: PhotoInRun): readonly ReportResult['target'][] {
  const found = new Map<string, ReportResult['target']>();
  for (const { target } of said.results) {
    const key = targetKey(target);
    if (!found.has(key)) found.set(key, target);
  }
  return [...found.values()];
}

export const targetKey = ({ index, kind }: ReportResult['target']): string => `${kind}:${index}`;

/** Values of a field of makers that differ: what can be chosen; none where all are alike. */
export function choicesOf(makers: readonly ReportMaker[], field: 'layer' | 'technique'): readonly string[] {
  const found = [...new Set(makers.filter(({ control }) => !control).map(maker => maker[field]))];
  return found.length > 1 ? found : [];
}

/** Makers that the chosen layer and technique leave; controls belong to all. */
export function shownMakers(makers: readonly ReportMaker[]): readonly number[] {
  const fits = (maker: ReportMaker, field: 'layer' | 'technique') => {
    const chosen = settings[field].value;
    return maker.control || !choicesOf(makers, field).includes(chosen) || maker[field] === chosen;
  };
  return makers.flatMap((maker, place) => (fits(maker, 'layer') && fits(maker, 'technique') ? [place] : []));
}
