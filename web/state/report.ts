import { signal } from '@preact/signals';
import type { ReportData } from '../../lib/report/data.ts';

/** What the page shows; read from the page itself, or filled by what the server answers. */
export const report = signal<ReportData>({
  version: '',
  made: '',
  runs: [],
  photos: [],
  leftOut: 0,
  payloads: null,
});
