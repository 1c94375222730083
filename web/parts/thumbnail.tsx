import { batch } from '@preact/signals';
import { MapCanvas } from '../draw/map-canvas.tsx';
import type { GridEntry } from '../state/grid.ts';
import { settings } from '../state/settings.ts';
import { baseName, className, percent, shortNumber } from '../state/words.ts';
import { Chip } from './chip.tsx';

export interface ThumbnailProps {
  readonly entry: GridEntry;
  readonly run: number;
  /** Whose value is shown, because the grid is sorted by it. */
  readonly metric: string | null;
  /** Whether the tabulator key leads here: to one of all thumbnails. */
  readonly isCurrent: boolean;
  /** Of the run: what results name by their place. */
  readonly warnings: readonly string[];
  readonly makers: readonly string[];
}

/** A photograph in the grid: a link to its own view. */
export function Thumbnail({ entry, run, metric, isCurrent, warnings, makers }: ThumbnailProps) {
  const { place, photo, said, result } = entry;
  const first = said?.predictions[0];
  const drawn = said?.results[result ?? -1];
  const value = metric === null ? undefined : drawn?.metrics[metric];
  const open = (event: MouseEvent) => {
    // With a key held down the browser opens the address in another tab.
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    batch(() => {
      settings.photo.value = place;
      settings.view.value = 'photo';
    });
  };
  return (
    <li class="thumb">
      <a
        href={`#view=photo&photo=${place}`}
        onClick={open}
        tabIndex={isCurrent ? 0 : -1}
        data-current={isCurrent || undefined}
        data-photo={place}
        title={photo.name}
      >
        <span class="picture">
          {said && !said.error ? (
            <MapCanvas
              photo={place}
              run={run}
              result={result}
              size={200}
              label={drawn ? `${makers[drawn.maker]} for ${className(drawn.target)}` : 'no map'}
            />
          ) : (
            <span class="instead">{said?.error ? said.error.message : 'not in this run'}</span>
          )}
        </span>
        <Name path={photo.name} />
        {first && (
          <span class="class">
            <span>{className(first)}</span> {first.probability !== null && <span>{percent(first.probability)}</span>}
          </span>
        )}
        {metric !== null && (
          <span class="class">
            <span>{metric}</span> <span>{value == null ? '–' : shortNumber(value)}</span>
          </span>
        )}
        <span class="marks">
          {said?.error && <Chip kind="bad">{said.error.code}</Chip>}
          {said?.correct === false && <Chip kind="bad">wrong</Chip>}
          {drawn && drawn.status !== 'ok' && (
            <Chip kind="warn" title={drawn.reason ?? undefined}>
              {drawn.status}
            </Chip>
          )}
          {drawn && drawn.warnings.length > 0 && (
            <Chip kind="warn" title={drawn.warnings.map(w => warnings[w]).join('\n')}>
              {drawn.warnings.length === 1 ? 'warning' : `${drawn.warnings.length} warnings`}
            </Chip>
          )}
        </span>
      </a>
    </li>
  );
}

/** Characters of a file's name that are always shown. */
const TAIL = 10;

/** Where there is no room, the middle is left out: what tells files apart is at both ends. */
function Name({ path }: { readonly path: string }) {
  const characters = [...baseName(path)];
  return (
    <>
      <span class="name" aria-hidden="true">
        <span>{characters.slice(0, -TAIL).join('')}</span>
        <span>{characters.slice(-TAIL).join('')}</span>
      </span>
      <span class="visually-hidden">{path}</span>
    </>
  );
}
