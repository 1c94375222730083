import { printAll } from '../draw/print.ts';
import { report } from '../state/report.ts';
import { settings, type View } from '../state/settings.ts';
import { shownView, shownViews } from '../state/shown.ts';
import { ThemeSwitch } from './theme-switch.tsx';

const TITLES: Readonly<Record<View, string>> = {
  photos: 'Photographs',
  photo: 'Photograph',
  compare: 'Compare',
  curves: 'Curves',
  summary: 'Summary',
};

/** Which report this is, and the way to its views. */
export function Header({ help }: { readonly help: () => void }) {
  const { runs, version } = report.value;
  const view = shownView.value;
  return (
    <header class="head">
      <div class="title">
        <h1>{runs.map(({ name }) => name).join(' and ')}</h1>
        <p class="muted">report of onnx-cam {version}</p>
      </div>
      <nav aria-label="Views">
        {shownViews.value.map(one => (
          <button
            key={one}
            type="button"
            aria-current={one === view ? 'page' : undefined}
            onClick={() => {
              settings.view.value = one;
            }}
          >
            {TITLES[one]}
          </button>
        ))}
      </nav>
      <div class="controls">
        <ThemeSwitch />
        <button type="button" onClick={() => void printAll()}>
          Print
        </button>
        <button type="button" aria-label="Keys" title="Keys (?)" onClick={help}>
          ?
        </button>
      </div>
    </header>
  );
}
