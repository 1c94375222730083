import { report } from '../state/report.ts';

export function CompareView() {
  return <p>{report.value.photos.length}</p>;
}
