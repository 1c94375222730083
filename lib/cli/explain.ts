import type { Command } from 'commander';
import { fitToModel, isAll, namedMethods } from './choose-methods.ts';
import type { CommandContext } from './context.ts';
import { addExplainOptions, type ExplainFlags, explainOptions, paramValues, saveOptions } from './explain-options.ts';
import { ExplainReporter } from './explain-reporter.ts';
import { runExplain } from './explain-run.ts';
import { readModelChoices } from './model-choices.ts';
import { loadOptions } from './run-options.ts';
import { showOption } from './show-option.ts';
import { oneLine } from './text.ts';

/** `onnx-cam explain MODEL INPUT...` */
export function addExplain(program: Command, context: CommandContext, finish: (code: number) => void): void {
  addExplainOptions(program.command('explain'))
    .summary('explain what a model sees in pictures')
    .description(
      'Explains what a model sees in pictures: a map per picture, and a manifest.json with everything about it.',
    )
    .action(async (model: string, inputs: string[], flags: ExplainFlags) => {
      finish(await explain(context, model, inputs, flags));
    });
}

async function explain(
  context: CommandContext,
  model: string,
  inputs: readonly string[],
  flags: ExplainFlags,
): Promise<number> {
  const options = explainOptions(flags);
  const save = saveOptions(flags);
  const show = showOption(flags, context.console);
  const params = paramValues(flags, namedMethods(flags.method));
  return runExplain(
    context,
    {
      model,
      inputs,
      load: { ...loadOptions(flags), ...(await readModelChoices(flags)) },
      explain: { ...options, params },
      chooseMethods: loaded => {
        const { layer, target, convention } = options;
        const { methods, leftOut } = fitToModel(flags.method, loaded, { layer, target, convention, params });
        for (const { method, reason } of leftOut) context.console.note(`left out: ${method}: ${oneLine(reason)}`);
        return methods;
      },
      folder: flags.out,
      save,
      report: flags.report === true,
      sheet: flags.sheet ?? flags.method.some(isAll),
      show,
      progress: !((flags.json || show) && context.console.printsToTerminal),
    },
    new ExplainReporter(context.console, { folder: flags.out, json: flags.json === true, debug: flags.debug === true }),
  );
}
