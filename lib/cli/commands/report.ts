import { extname, join } from 'node:path';
import { type Command, Option } from 'commander';
import type { CommandContext } from '../context.ts';
import { place, wholeNumber } from '../options/option-values.ts';
import { PAGE, writeFolderReport } from '../run/report-files.ts';
import { EXIT } from '../tell/failure.ts';

interface ReportFlags {
  readonly out?: string | undefined;
  readonly pictures?: number | undefined;
}

/** `onnx-cam report DIR [DIR2]`: the page of what was explained before. */
export function addReport(program: Command, context: CommandContext, finish: (code: number) => void): void {
  program
    .command('report')
    .argument('<dir>', 'what `explain` or `evaluate` wrote: the folder that --out named')
    .argument('[dir2]', 'a second one, to be compared photograph by photograph')
    .summary('make a page to look at of what was explained or evaluated')
    .description(
      'Makes one HTML file to look at what was explained: it needs no network and can be sent. Two folders (two models, float and int8) are shown side by side.',
    )
    .addOption(
      new Option(
        '-o, --out <path>',
        `the file (*.html), or a folder for ${PAGE} (default: the first folder)`,
      ).argParser(place('a file or a folder')),
    )
    .option(
      '--pictures <n>',
      'the first n pictures are in the page (default: of explain 1000, of evaluate those that it kept)',
      wholeNumber(0),
    )
    .option('--debug', 'stack traces of errors')
    .action(async (first: string, second: string | undefined, { out, pictures }: ReportFlags) => {
      finish(await report(context, [first, second], { out, pictures }));
    });
}

async function report(
  { console, signal }: CommandContext,
  folders: readonly [string, string?],
  { out = folders[0], pictures }: ReportFlags,
): Promise<number> {
  const isFile = ['.html', '.htm'].includes(extname(out).toLowerCase());
  const path = isFile ? out : join(out, PAGE);
  try {
    await writeFolderReport(console, { folders, path, pictures, progress: true, signal });
  } catch (error) {
    if (!signal.aborted) throw error;
    console.note('onnx-cam: ERR_ABORTED: interrupted; no report was written');
    return EXIT.interrupted;
  }
  console.note(`see ${path}`);
  return EXIT.done;
}
