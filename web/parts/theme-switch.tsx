import { settings } from '../state/settings.ts';
import { THEMES } from '../state/theme.ts';
import { Select } from './select.tsx';

export function ThemeSwitch() {
  return (
    <Select
      label="Theme"
      value={settings.theme.value}
      options={THEMES.map(value => ({ value, text: value }))}
      onChange={theme => {
        settings.theme.value = theme;
      }}
    />
  );
}
