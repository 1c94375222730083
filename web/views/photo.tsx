import { report } from '../state/report.ts';

export function PhotoView() {
  return <p>{report.value.photos.length}</p>;
}
