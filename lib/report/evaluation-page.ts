import { join } from 'node:path';
import { evaluationFolder } from './evaluation-folder.ts';
import { reportSource } from './run-source.ts';
import { type WrittenReport, writeReport } from './write-report.ts';

/** Makes the page of an evaluation's folder in it. @throws `ERR_OUTPUT`; `ERR_OPTION_INVALID` for a folder that is none */
export async function evaluationPage(folder: string): Promise<WrittenReport> {
  const missing: string[] = [];
  const run = await evaluationFolder(folder, { missing: what => missing.push(what), pictures: undefined });
  const written = await writeReport(join(folder, 'index.html'), reportSource(run));
  return { ...written, warnings: [...missing.map(what => `not in the page: ${what}`), ...written.warnings] };
}
