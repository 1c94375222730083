import { ThemeSwitch } from '../parts/theme-switch.tsx';
import { ViewNav } from '../parts/view-nav.tsx';
import { report } from '../state/report.ts';
import { plural } from '../state/words.ts';
import { explained, saveReport } from './save.ts';
import { keptBytes, models, pictures } from './stock.ts';
import { size } from './uploads.ts';

/** The page's name, the way to its views, and what it holds. */
export function ServeHeader({ help }: { readonly help: () => void }) {
  const count = explained.value;
  const hasViews = models.value.length > 0 && pictures.value.length > 0;
  return (
    <header class="head">
      <div class="title">
        <h1>onnx-cam</h1>
        <p class="muted">
          {count === 0 ? report.value.version : `${plural(count, 'map')} on this page, ${size(keptBytes())}`}
        </p>
      </div>
      {hasViews && <ViewNav />}
      <div class="controls">
        <button type="button" disabled={count === 0} onClick={() => void saveReport()}>
          Save report
        </button>
        <ThemeSwitch />
        <button type="button" aria-label="Keys" title="Keys (?)" onClick={help}>
          ?
        </button>
      </div>
    </header>
  );
}
