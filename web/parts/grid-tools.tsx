import { gridEntries, gridMetrics, ONLY_NAMES, onlyCounts, SORTS } from '../state/grid.ts';
import { shownMakerNames } from '../state/maker-names.ts';
import { report } from '../state/report.ts';
import { FIRST, selectRun } from '../state/selected.ts';
import { settings } from '../state/settings.ts';
import { shownMaker, shownRun } from '../state/shown.ts';
import { className } from '../state/words.ts';
import { Checkbox } from './checkbox.tsx';
import { type Option, Select } from './select.tsx';

const SORT_TEXTS: Readonly<Record<string, string>> = {
  given: 'as given',
  name: 'name',
  confidence: 'confidence',
  status: 'status of the map',
};
const ONLY_TEXTS: Readonly<Record<string, string>> = {
  wrong: 'wrong class',
  correct: 'correct class',
  warnings: 'with warnings',
  status: 'map not ok',
  failed: 'failed',
};

/** What the grid draws, how it is sorted, and which photographs are left. */
export function GridTools() {
  return (
    <div class="tools">
      <Drawn />
      <Sorting />
      <Filters />
    </div>
  );
}

function Drawn() {
  const { runs } = report.value;
  const run = runs[shownRun.value];
  if (!run) return null;
  const targets = targetOptions();
  return (
    <fieldset class="controls">
      <legend class="visually-hidden">What is drawn</legend>
      {runs.length > 1 && (
        <Select
          label="Run"
          value={shownRun.value}
          options={runs.map(({ name }, value) => ({ value, text: name }))}
          onChange={value => selectRun(FIRST, shownRun.value, value)}
        />
      )}
      {run.makers.length > 1 && (
        <Select
          label="Method"
          value={shownMaker.value}
          options={shownMakerNames.value.map((text, value) => ({ value, text }))}
          onChange={value => {
            settings.maker.value = value;
          }}
        />
      )}
      {targets.length > 2 && (
        <Select
          label="Map of"
          value={targets.some(({ value }) => value === settings.target.value) ? settings.target.value : -1}
          options={targets}
          onChange={value => {
            settings.target.value = value;
          }}
        />
      )}
      <Checkbox
        label="Heat map"
        checked={settings.heat.value}
        onChange={on => {
          settings.heat.value = on;
        }}
      />
    </fieldset>
  );
}

function Sorting() {
  const options = [
    ...SORTS.map(value => ({ value: value as string, text: SORT_TEXTS[value]! })),
    ...gridMetrics.value.map(value => ({ value, text: value })),
  ];
  const sort = settings.sort.value;
  const down = settings.descending.value;
  return (
    <fieldset class="controls">
      <legend class="visually-hidden">Order</legend>
      <Select
        label="Sort by"
        value={options.some(({ value }) => value === sort) ? sort : 'given'}
        options={options}
        onChange={value => {
          settings.sort.value = value;
        }}
      />
      <button
        type="button"
        aria-label={down ? 'descending: sort ascending' : 'ascending: sort descending'}
        title={down ? 'descending' : 'ascending'}
        onClick={() => {
          settings.descending.value = !down;
        }}
      >
        {down ? '↓' : '↑'}
      </button>
    </fieldset>
  );
}

function Filters() {
  const counts = onlyCounts.value;
  const only: Option<string>[] = [
    { value: '', text: 'all' },
    ...ONLY_NAMES.map(value => ({ value, text: `${ONLY_TEXTS[value]} (${counts[value]})` })),
  ];
  const classes = classOptions();
  return (
    <fieldset class="controls">
      <legend class="visually-hidden">Filters</legend>
      <label class="control">
        <span class="caption">Name</span>
        <input
          type="search"
          value={settings.find.value}
          placeholder="part of it"
          onInput={event => {
            settings.find.value = event.currentTarget.value;
          }}
        />
      </label>
      {(classes.length > 2 || settings.class.value !== -1) && (
        <Select
          label="First class"
          value={settings.class.value}
          options={classes}
          onChange={value => {
            settings.class.value = value;
          }}
        />
      )}
      <Select
        label="Show"
        value={ONLY_NAMES.includes(settings.only.value) ? settings.only.value : ''}
        options={only}
        onChange={value => {
          settings.only.value = value;
        }}
      />
    </fieldset>
  );
}

/** Classes that maps are of. */
function targetOptions(): Option<number>[] {
  const found = new Map<number, string>();
  for (const { said } of gridEntries.value)
    for (const { target } of said?.results ?? []) found.set(target.index, className(target));
  return [{ value: -1, text: 'the first class of each' }, ...byText(found)];
}

/** First classes of photographs, with how many there are of each. */
function classOptions(): Option<number>[] {
  const found = new Map<number, { readonly text: string; count: number }>();
  for (const { said } of gridEntries.value) {
    const first = said?.predictions[0];
    if (!first) continue;
    const one = found.get(first.index) ?? { text: className(first), count: 0 };
    one.count++;
    found.set(first.index, one);
  }
  const asked = settings.class.value;
  if (asked >= 0 && !found.has(asked)) found.set(asked, { text: `class ${asked}`, count: 0 });
  const texts = new Map([...found].map(([index, { text, count }]) => [index, `${text} (${count})`] as const));
  return [{ value: -1, text: 'any' }, ...byText(texts)];
}

function byText(found: ReadonlyMap<number, string>): Option<number>[] {
  return [...found]
    .map(([value, text]) => ({ value, text }))
    .sort((a, b) => a.text.localeCompare(b.text, 'en', { numeric: true }));
}
