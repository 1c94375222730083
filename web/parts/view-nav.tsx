import { settings, type View } from '../state/settings.ts';
import { shownView, shownViews } from '../state/shown.ts';

const TITLES: Readonly<Record<View, string>> = {
  photos: 'Photographs',
  photo: 'Photograph',
  compare: 'Compare',
  curves: 'Curves',
  summary: 'Summary',
};

/** The way to the views that there are. */
export function ViewNav() {
  const view = shownView.value;
  return (
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
  );
}
