import { report } from '../state/report.ts';

export function PhotosView() {
  return <p>{report.value.photos.length}</p>;
}
