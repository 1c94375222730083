import { report } from '../state/report.ts';

export function CurvesView() {
  return <p>{report.value.photos.length}</p>;
}
