import { report } from '../state/report.ts';
import { choicesOf } from '../state/selected.ts';
import { settings } from '../state/settings.ts';
import { Select } from './select.tsx';

const FILTERS = [
  ['layer', 'Layer'],
  ['technique', 'Technique'],
] as const;

/** Layer and technique, where the methods of a run were asked for several. */
export function MakerFilters({ run }: { readonly run: number }) {
  const { makers } = report.value.runs[run]!;
  return (
    <>
      {FILTERS.map(([field, label]) => {
        const choices = choicesOf(makers, field);
        if (choices.length === 0) return null;
        const all = { value: '*', text: 'all' };
        const setting = settings[field];
        return (
          <Select
            key={field}
            label={label}
            value={choices.includes(setting.value) ? setting.value : '*'}
            options={[all, ...choices.map(value => ({ value, text: value === '' ? 'none' : value }))]}
            onChange={value => {
              setting.value = value;
            }}
          />
        );
      })}
    </>
  );
}
