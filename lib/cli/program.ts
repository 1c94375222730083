import { Command, CommanderError } from 'commander';
import { packageVersion } from '#package';
import { addDemo } from './commands/demo.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEvaluate } from './commands/evaluate.ts';
import { addExplain } from './commands/explain.ts';
import { addExport } from './commands/export.ts';
import { addLayers } from './commands/layers.ts';
import { addMeasure } from './commands/measure.ts';
import { addMethods } from './commands/methods.ts';
import { addMetrics } from './commands/metrics.ts';
import { addQueue } from './commands/queue.ts';
import { addReport } from './commands/report.ts';
import { addServe } from './commands/serve.ts';
import { addTechniques } from './commands/techniques.ts';
import { addWorker } from './commands/worker.ts';
import type { CommandContext } from './context.ts';
import { EXIT, failureLines, usageError } from './tell/failure.ts';

/**
 * Runs one command line (without `node` and the script's name).
 * @returns the exit code; every error has been told by then
 */
export async function runCommandLine(argv: readonly string[], context: CommandContext): Promise<number> {
  let code: number = EXIT.done;
  const program = buildProgram(context, value => {
    code = value;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return code === EXIT.done && context.console.printFailed ? EXIT.inputsFailed : code;
  } catch (error) {
    // Help and version are "errors" of commander's with exit code 0.
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
    const isWithoutCommand = error instanceof CommanderError && error.code === 'commander.help';
    const shown = isWithoutCommand ? usageError('a command is needed; see onnx-cam --help') : error;
    context.console.note(...failureLines(shown, { debug: argv.includes('--debug') }));
    return context.signal.aborted ? EXIT.interrupted : EXIT.unusable;
  }
}

/** Every command with its options. */
export function buildProgram(context: CommandContext, finish: (code: number) => void): Command {
  const program = new Command('onnx-cam')
    .description('Class activation maps for any ONNX image model: which part of a picture made the model decide.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      // Errors are printed once, as one line, by runCommandLine.
      outputError: () => {},
      writeErr: () => {},
      writeOut: text => void context.console.print(...text.trimEnd().split('\n')),
    });
  addExplain(program, context, finish);
  addLayers(program, context);
  addMethods(program, context);
  addMeasure(program, context, finish);
  addEvaluate(program, context, finish);
  addReport(program, context, finish);
  addExport(program, context, finish);
  addMetrics(program, context);
  addTechniques(program, context);
  addServe(program, context, finish);
  addWorker(program, context, finish);
  addQueue(program, context, finish);
  addDoctor(program, context, finish);
  addDemo(program, context, finish);
  return program;
}
