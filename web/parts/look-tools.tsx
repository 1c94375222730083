import { batch } from '@preact/signals';
import { COLORMAPS } from '../../lib/image/colormap.ts';
import { look } from '../draw/look.ts';
import { settings, type ThresholdForm } from '../state/settings.ts';
import { minus } from '../state/words.ts';
import { Checkbox } from './checkbox.tsx';
import { Select } from './select.tsx';
import { Slider } from './slider.tsx';

/** What the level of a threshold means, and where it lies. */
const FORMS: Readonly<
  Record<ThresholdForm, { readonly text: string; readonly max: number; readonly min: number; readonly initial: number }>
> = {
  max: { text: 'share of the maximum', min: 0, max: 1, initial: 0.15 },
  value: { text: 'value', min: 0, max: 1, initial: 0.5 },
  q: { text: 'quantile', min: 0, max: 1, initial: 0.9 },
  sd: { text: 'deviations above the mean', min: -3, max: 5, initial: 1 },
  otsu: { text: 'Otsu', min: 0, max: 1, initial: 0 },
};

/** How maps are drawn: colours, opacity, what lies above a threshold. */
export function LookTools() {
  const { alpha, colormap, threshold, level } = settings;
  const now = look();
  const form = FORMS[now.threshold];
  return (
    <fieldset class="controls look-tools">
      <legend class="visually-hidden">How maps are drawn</legend>
      <Checks />
      <Slider
        label="Opacity"
        value={now.alpha}
        min={0}
        max={1}
        step={0.01}
        format={value => `${Math.round(100 * value)} %`}
        disabled={!now.heat}
        onInput={value => {
          alpha.value = value;
        }}
      />
      <Select
        label="Colours"
        value={now.colormap}
        options={COLORMAPS.map(value => ({ value, text: value }))}
        onChange={value => {
          colormap.value = value;
        }}
      />
      <Select
        label="Threshold"
        value={now.threshold}
        options={(Object.keys(FORMS) as ThresholdForm[]).map(value => ({ value, text: FORMS[value].text }))}
        onChange={value => {
          batch(() => {
            threshold.value = value;
            level.value = FORMS[value].initial;
          });
        }}
      />
      {now.threshold !== 'otsu' && (
        <Slider
          label="Level"
          value={now.level}
          min={form.min}
          max={form.max}
          step={0.01}
          format={value => minus(value.toFixed(2))}
          onInput={value => {
            level.value = value;
          }}
        />
      )}
    </fieldset>
  );
}

const CHECKS = [
  ['heat', 'Heat map'],
  ['box', 'Box'],
  ['contour', 'Contour'],
  ['mask', 'Mask'],
] as const;

function Checks() {
  return (
    <div class="checks">
      {CHECKS.map(([name, label]) => (
        <Checkbox
          key={name}
          label={label}
          checked={settings[name].value}
          onChange={checked => {
            settings[name].value = checked;
          }}
        />
      ))}
    </div>
  );
}
