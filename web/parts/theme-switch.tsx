import { settings } from '../state/settings.ts';
import { THEMES } from '../state/theme.ts';
import { Select } from './select.tsx';

const TEXTS = { auto: 'as the system', light: 'light', dark: 'dark' } as const;

export function ThemeSwitch() {
  return (
    <Select
      label="Theme"
      value={settings.theme.value}
      options={THEMES.map(value => ({ value, text: TEXTS[value] }))}
      onChange={theme => {
        settings.theme.value = theme;
      }}
    />
  );
}
