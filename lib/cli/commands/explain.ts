import type { Command } from 'commander';
import { openStore } from '../../stores/open-store.ts';
import type { CommandContext } from '../context.ts';
import { type CommandInput, expandInputs } from '../inputs/inputs.ts';
import { readNames } from '../inputs/inputs-from.ts';
import { byPath } from '../inputs/stems.ts';
import { isAll } from '../options/choose-methods.ts';
import type { ExplainFlags } from '../options/explain-flags.ts';
import { addExplainOptions } from '../options/explain-options.ts';
import { inputsOfPart, type Shard, shardOption } from '../options/shard-option.ts';
import { showOption } from '../options/show-option.ts';
import { enqueueExplain, refuseWithQueue } from '../run/enqueue.ts';
import { ExplainReporter } from '../run/explain-reporter.ts';
import { explainRequest } from '../run/explain-request.ts';
import { runExplain } from '../run/explain-run.ts';
import type { Going } from '../run/run-manifest.ts';
import { usageError } from '../tell/failure.ts';
import { oneLine } from '../tell/text.ts';

/** `onnx-cam explain MODEL INPUT...` */
export function addExplain(program: Command, context: CommandContext, finish: (code: number) => void): void {
  addExplainOptions(program.command('explain'))
    .summary('explain what a model sees in pictures')
    .description(
      'Explains what a model sees in pictures: a map per picture, and a manifest.jsonl with everything about it.',
    )
    .action(async (model: string, inputs: string[], flags: ExplainFlags) => {
      finish(await explain(context, model, inputs, flags));
    });
}

async function explain(
  context: CommandContext,
  model: string,
  given: readonly string[],
  flags: ExplainFlags,
): Promise<number> {
  const { console } = context;
  refuseWithQueue(flags);
  const shard = flags.queue === undefined ? shardOption(flags.shard, process.env) : undefined;
  refuseWithParts(flags, shard);
  if (flags.pictures !== undefined && !flags.report)
    throw usageError('--pictures says how many the page shows: give --report too');
  if (flags.queue !== undefined)
    return enqueueExplain(context, { model, inputs: await allInputs(context, given, flags), flags });
  const request = await explainRequest(flags, text => console.note(text));
  const show = showOption(flags, console);
  const going = goingOption(flags);
  const store = openStore(flags.out);
  if (flags.report && store.folder === undefined)
    throw usageError('--report needs results in a folder of this machine: copy them there, then `onnx-cam report`');
  const inputs = await allInputs(context, given, flags);
  if (shard?.from)
    console.note(`part ${shard.part.index} of ${shard.part.count} (${shard.from}); --no-shard for all inputs`);
  return runExplain(
    context,
    {
      model,
      request,
      inputs: shard ? inputsOfPart(inputs.sort(byPath), shard.part) : inputs,
      part: shard?.part,
      going,
      store,
      report: flags.report === true,
      pictures: flags.pictures,
      sheet: flags.sheet ?? (flags.method.some(isAll) && !shard && going === 'anew'),
      show,
      progress: !((flags.json || show) && console.printsToTerminal),
    },
    new ExplainReporter(console, { store, json: flags.json === true, debug: flags.debug === true }),
  );
}

/** Those of the command line and those of a list, with their files' names settled over all of them. */
async function allInputs(
  { console }: CommandContext,
  given: readonly string[],
  { inputsFrom, out }: ExplainFlags,
): Promise<CommandInput[]> {
  if (given.length === 0 && inputsFrom === undefined)
    throw usageError("missing required argument 'input': give pictures, folders, globs, or --inputs-from");
  const listed = inputsFrom === undefined ? [] : await readNames(inputsFrom);
  return expandInputs(given, { note: text => console.note(oneLine(text)), out, listed });
}

function goingOption({ resume, retryFailed }: ExplainFlags): Going {
  if (retryFailed) return 'on, failed again';
  return resume ? 'on' : 'anew';
}

/** @throws `ERR_USAGE` for what is made of all results, where this process has but a part of them */
function refuseWithParts({ report, sheet, resume, retryFailed }: ExplainFlags, shard: Shard | undefined): void {
  if (shard && report)
    throw usageError('--report with --shard would show one part: when all are done, `onnx-cam report` makes the page');
  if (sheet && (shard || resume || retryFailed))
    throw usageError('--sheet shows the first pictures of a whole run: it goes neither with --shard nor with --resume');
}
