import type { Command } from 'commander';
import { onAbort } from '../../common/abort-listeners.ts';
import type { LoadOptions } from '../../options.ts';
import { writtenOption } from '../../serve/as-command.ts';
import type { GivenModel } from '../../serve/stock.ts';
import type { CommandContext } from '../context.ts';
import { readModelChoices } from '../options/model-choices.ts';
import { defined, wholeNumber } from '../options/option-values.ts';
import { addRunOptions, loadOptions, type RunFlags } from '../options/run-options.ts';
import { localModel } from '../run/open-model.ts';
import { EXIT } from '../tell/failure.ts';

interface ServeFlags extends RunFlags {
  readonly port: number;
  readonly host: string;
}

/** `onnx-cam serve [MODEL]`: a page on which a person drops a model and pictures. */
export function addServe(program: Command, context: CommandContext, finish: (code: number) => void): void {
  const command = program
    .command('serve')
    .argument('[model]', 'a .onnx file that is there from the start; others can be dropped on the page')
    .summary('open a page to drop models and pictures on')
    .description(
      'Serves a page on this machine: drop a model and pictures on it, choose method, layer and class, and see. Options of models are those of MODEL. Ends on Ctrl-C.',
    )
    .optionsGroup('Where:')
    .option('--port <n>', 'port; 0 takes a free one', wholeNumber(0, 65535), 8080)
    .option('--host <name>', 'address to listen to; others than this machine reach the page on 0.0.0.0', '127.0.0.1');
  addRunOptions(command).action(async (model: string | undefined, flags: ServeFlags) => {
    finish(await serve(context, model, flags));
  });
}

async function serve(
  { console, signal }: CommandContext,
  model: string | undefined,
  flags: ServeFlags,
): Promise<number> {
  const { startServer } = await import('../../serve/server.ts');
  const server = await startServer({
    host: flags.host,
    port: flags.port,
    running: runningOptions(loadOptions(flags)),
    signal,
    model: model === undefined ? undefined : await givenModel(await localModel({ console, signal }, model), flags),
  });
  try {
    await console.print(server.address);
    if (!['127.0.0.1', 'localhost', '::1'].includes(flags.host))
      console.warn('other machines reach this page too, unencrypted: whoever knows its address can use it');
    console.note('open this address in a browser; Ctrl-C ends the server and removes what was uploaded');
    await fired(signal);
  } finally {
    await server.close();
  }
  return EXIT.done;
}

const fired = (signal: AbortSignal): Promise<void> => new Promise(resolve => void onAbort(signal, resolve));

/** What isn't of one model. */
function runningOptions(options: LoadOptions): LoadOptions {
  const { executionProviders, intraOpNumThreads, precision, scoringPrecision, limitInputPixels, decode } = options;
  return defined({ executionProviders, intraOpNumThreads, precision, scoringPrecision, limitInputPixels, decode });
}

async function givenModel(path: string, flags: ServeFlags): Promise<GivenModel> {
  const load = loadOptions(flags);
  const { inputs, ...choices } = await readModelChoices(flags);
  return {
    path,
    options: { ...load, ...choices, ...(inputs && { inputs }) },
    source: { path, args: modelArguments(flags), load: { ...load, ...choices } },
  };
}

/** The options of a model as they are written, for a command line that a person copies. */
function modelArguments(flags: ServeFlags): string[] {
  const { size, inputs, detector } = flags;
  const written: Readonly<Record<string, string | readonly string[] | undefined>> = {
    preset: flags.preset,
    mean: flags.mean?.join(),
    std: flags.std?.join(),
    range: flags.range?.join(),
    fit: flags.fit,
    size: size?.join('x'),
    labels: flags.labels,
    'limit-input-pixels': flags.limitInputPixels?.toString(),
    decode: flags.decode,
    input: flags.input,
    output: flags.output,
    inputs: inputs?.map(([name, file]) => `${name}=${file}`),
    detector: detector === false ? 'none' : detector,
    provider: flags.provider,
    precision: flags.precision,
    'scoring-precision': flags.scoringPrecision,
    threads: flags.threads?.toString(),
    'batch-size': flags.batchSize?.toString(),
  };
  return Object.entries(written).flatMap(([name, value]) =>
    [value ?? []].flat().flatMap(one => writtenOption(name, one)),
  );
}
