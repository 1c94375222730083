import { settings } from './state/settings.ts';
import { CompareView } from './views/compare.tsx';
import { CurvesView } from './views/curves.tsx';
import { PhotoView } from './views/photo.tsx';
import { PhotosView } from './views/photos.tsx';
import { SummaryView } from './views/summary.tsx';

const VIEWS = {
  photos: PhotosView,
  photo: PhotoView,
  compare: CompareView,
  curves: CurvesView,
  summary: SummaryView,
};

/** The report: one view at a time, which the hash names. */
export function App() {
  const View = VIEWS[settings.view.value] ?? PhotosView;
  return (
    <main>
      <View />
    </main>
  );
}
