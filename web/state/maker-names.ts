import { computed } from '@preact/signals';
import { tellingFields } from '../../lib/evaluation/telling-fields.ts';
import type { ReportMaker } from '../../lib/report/data.ts';
import { report } from './report.ts';
import { shownRun } from './shown.ts';

/** A name for each maker of a run: the method, and what else tells it apart. */
export function makerNames(makers: readonly ReportMaker[]): string[] {
  const fields = tellingFields(makers);
  return makers.map(maker => {
    const { method, technique } = maker;
    const more = fields.map(field => maker[field]);
    // Parameters of evaluations hold the techniques.
    const named = technique.split('+').every(name => more.join().includes(name)) ? [] : [technique];
    return [method, ...named, ...more].filter(text => text !== '').join(' · ');
  });
}

/** Of the run that is shown. */
export const shownMakerNames = computed<readonly string[]>(() =>
  makerNames(report.value.runs[shownRun.value]?.makers ?? []),
);
