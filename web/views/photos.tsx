import { batch, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { GridTools } from '../parts/grid-tools.tsx';
import { Thumbnail } from '../parts/thumbnail.tsx';
import { gridMetrics, shownEntries } from '../state/grid.ts';
import { shownMakerNames } from '../state/maker-names.ts';
import { report } from '../state/report.ts';
import { settings } from '../state/settings.ts';
import { shownPhoto, shownRun } from '../state/shown.ts';
import { plural } from '../state/words.ts';

/** All photographs as thumbnails. */
export function PhotosView() {
  const { photos, leftOut } = report.value;
  const entries = shownEntries.value;
  return (
    <>
      <h2 class="visually-hidden">Photographs</h2>
      <GridTools />
      <p class="count" aria-live="polite">
        {entries.length < photos.length
          ? `${entries.length} of ${plural(photos.length, 'photograph')}`
          : plural(photos.length, 'photograph')}
        {leftOut > 0 && `; ${leftOut} more are not in this page`}
      </p>
      {entries.length > 0 ? <Grid /> : <Nothing isEmpty={photos.length === 0} />}
    </>
  );
}

function Nothing({ isEmpty }: { readonly isEmpty: boolean }) {
  if (isEmpty) return <p>This report has no photographs.</p>;
  const showAll = () =>
    batch(() => {
      for (const filter of [settings.find, settings.only] as const) filter.value = filter.initial;
      settings.class.value = settings.class.initial;
    });
  return (
    <div class="nothing">
      <p>No photograph is left by these filters.</p>
      <button type="button" onClick={showAll}>
        Show all
      </button>
    </div>
  );
}

function Grid() {
  const list = useRef<HTMLUListElement>(null);
  const entries = shownEntries.value;
  const run = shownRun.value;
  const focused = useSignal(shownPhoto.value);
  const current = entries.some(({ place }) => place === focused.value) ? focused.value : entries[0]!.place;
  const sort = settings.sort.value;
  const metric = gridMetrics.value.includes(sort) ? sort : null;
  const warnings = report.value.runs[run]?.warnings ?? [];
  useEffect(() => {
    if (shownPhoto.peek() > 0)
      list.current?.querySelector('[data-current]')?.scrollIntoView({ block: 'nearest', behavior: 'instant' });
  }, []);
  const links = () => [...list.current!.querySelectorAll<HTMLElement>('a')];
  const move = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const all = links();
    const now = all.indexOf(document.activeElement as HTMLElement);
    const next = now < 0 ? undefined : all[placeAfter(event.key, now, all)];
    if (!next) return;
    event.preventDefault();
    next.focus();
  };
  const follow = (event: FocusEvent) => {
    const place = (event.target as HTMLElement).dataset.photo;
    if (place !== undefined) focused.value = Number(place);
  };
  return (
    <ul ref={list} class="thumbs" onKeyDown={move} onFocusIn={follow}>
      {entries.map(entry => (
        <Thumbnail
          key={entry.place}
          entry={entry}
          run={run}
          metric={metric}
          isCurrent={entry.place === current}
          warnings={warnings}
          makers={shownMakerNames.value}
        />
      ))}
    </ul>
  );
}

/** Where a key leads from a thumbnail; -1: nowhere. */
function placeAfter(key: string, now: number, all: readonly HTMLElement[]): number {
  const second = all.findIndex(link => topOf(link) > topOf(all[0]!));
  const columns = second < 0 ? all.length : second;
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
  };
  if (key === 'Home') return 0;
  if (key === 'End') return all.length - 1;
  const step = steps[key];
  return step === undefined ? -1 : now + step;
}

const topOf = (link: HTMLElement): number => link.parentElement!.offsetTop;
