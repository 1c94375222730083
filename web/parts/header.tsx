import { printAll } from '../draw/print.ts';
import { report } from '../state/report.ts';
import { ThemeSwitch } from './theme-switch.tsx';
import { ViewNav } from './view-nav.tsx';

/** Which report this is, and the way to its views. */
export function Header({ help }: { readonly help: () => void }) {
  const { runs, version } = report.value;
  return (
    <header class="head">
      <div class="title">
        <h1>{runs.map(({ name }) => name).join(' and ')}</h1>
        <p class="muted">report of onnx-cam {version}</p>
      </div>
      <ViewNav />
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
