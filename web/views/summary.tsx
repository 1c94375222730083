import { report } from '../state/report.ts';

export function SummaryView() {
  return <p>{report.value.photos.length}</p>;
}
