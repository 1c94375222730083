import { CompareView } from './compare.tsx';
import { CurvesView } from './curves.tsx';
import { PhotoView } from './photo.tsx';
import { PhotosView } from './photos.tsx';
import { SummaryView } from './summary.tsx';

/** By the name of the view. */
export const VIEW_PAGES = {
  photos: PhotosView,
  photo: PhotoView,
  compare: CompareView,
  curves: CurvesView,
  summary: SummaryView,
};
