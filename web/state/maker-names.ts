import { computed } from '@preact/signals';
import { tellingFields } from '../../lib/evaluation/maker-columns.ts';
import type { ReportMaker } from '../../lib/report/data.ts';
import { report } from './report.ts';
import { shownRun } from './shown.ts';

/** A name for each maker of a run: the method, and what else tells it apart. */
export function makerNames(makers: readonly ReportMaker[]): string[] {
  // Parameters of evaluations hold the techniques.
  const fields = tellingFields(makers).filter((field, _, all) => field !== 'technique' || !all.includes('params'));
  return makers.map(maker =>
    [maker.method, ...fields.map(field => maker[field])].filter(text => text !== '').join(' · '),
  );
}

/** Of the run that is shown. */
export const shownMakerNames = computed<readonly string[]>(() =>
  makerNames(report.value.runs[shownRun.value]?.makers ?? []),
);
