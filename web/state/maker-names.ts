import { computed } from '@preact/signals';
import type { MapMaker } from '../../lib/evaluation/rows.ts';
import { type MakerField, tellingFields } from '../../lib/evaluation/telling-fields.ts';
import { report } from './report.ts';
import { shownRun } from './shown.ts';
import { paramsWords } from './words.ts';

type Named = MapMaker & { readonly control: boolean; readonly technique?: string };

/** A name for each maker of a run: the method, and what else tells it apart. */
export function makerNames(makers: readonly Named[]): string[] {
  const fields = tellingFields(makers);
  return makers.map(maker => {
    const { method, control, technique = '' } = maker;
    const more = control ? [] : fieldWords(maker, fields);
    // Parameters of evaluations hold the techniques.
    const named = technique.split('+').every(name => more.join().includes(name)) ? [] : [technique];
    return [method, ...named, ...more].join(' · ');
  });
}

/** What a maker has in these fields. */
export function fieldWords(maker: MapMaker, fields: readonly MakerField[]): string[] {
  return fields.flatMap(field => {
    const text = maker[field];
    if (text === '') return [];
    return field === 'params' ? [paramsWords(text)] : [text];
  });
}

/** Of the run that is shown. */
export const shownMakerNames = computed<readonly string[]>(() =>
  makerNames(report.value.runs[shownRun.value]?.makers ?? []),
);
