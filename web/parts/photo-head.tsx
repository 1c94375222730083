import { report } from '../state/report.ts';
import { FIRST, selectRun } from '../state/selected.ts';
import { shownPhoto, shownRun } from '../state/shown.ts';
import { placeInGrid, stepPhoto } from '../state/step-photo.ts';
import { baseName } from '../state/words.ts';
import { Select } from './select.tsx';

export interface PhotoHeadProps {
  /** Whether one run is chosen here. */
  readonly hasRun: boolean;
}

/** Which photograph is looked at, and the way to those beside it. */
export function PhotoHead({ hasRun }: PhotoHeadProps) {
  const { photos, runs } = report.value;
  const photo = shownPhoto.value;
  const { name } = photos[photo]!;
  const { at, of } = placeInGrid.value;
  return (
    <div class="photo-head">
      <div class="steps">
        <button type="button" aria-label="Previous photograph" disabled={at <= 0} onClick={() => stepPhoto(-1)}>
          ←
        </button>
        <span class="muted">{at < 0 ? 'hidden by a filter' : `${at + 1} of ${of}`}</span>
        <button type="button" aria-label="Next photograph" disabled={at === of - 1} onClick={() => stepPhoto(1)}>
          →
        </button>
      </div>
      <h2 title={name}>{baseName(name)}</h2>
      {hasRun && runs.length > 1 && (
        <Select
          label="Run"
          value={shownRun.value}
          options={runs.map(({ name }, value) => ({ value, text: name }))}
          onChange={value => selectRun(FIRST, shownRun.value, value)}
        />
      )}
    </div>
  );
}
