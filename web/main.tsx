import { render } from 'preact';
import { App } from './app.tsx';
import { ServeApp } from './serve/serve-app.tsx';
import { followHash } from './state/hash.ts';
import { report } from './state/report.ts';
import { settings } from './state/settings.ts';
import { followTheme } from './state/theme.ts';

const root = document.getElementById('app')!;
const data = document.getElementById('report');

// Whoever has dropped a picture wants to look at it.
if (!data) settings.view.initial = 'photo';
followHash();
followTheme();
if (data) {
  report.value = JSON.parse(data.textContent ?? '');
  render(<App />, root);
} else {
  render(<ServeApp />, root);
}
