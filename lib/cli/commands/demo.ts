import type { Command } from 'commander';
import { openStore } from '../../stores/open-store.ts';
import type { OutputStore } from '../../stores/output-store.ts';
import type { CommandContext } from '../context.ts';
import { expandInputs } from '../inputs/inputs.ts';
import { outOption } from '../options/out-option.ts';
import { bundledFile } from '../package.ts';
import { runExplain } from '../run/explain-run.ts';
import type { FailedInput, Reporter, SavedResult } from '../run/reporter.ts';
import type { Console } from '../tell/console.ts';
import { failureLines } from '../tell/failure.ts';
import { className, percent } from '../tell/text.ts';

/** `onnx-cam demo`: the bundled model on the bundled pictures. */
export function addDemo(program: Command, context: CommandContext, finish: (code: number) => void): void {
  program
    .command('demo')
    .summary('explain the bundled pictures with the bundled model')
    .description('Explains the bundled pictures with the bundled model (EfficientNet-Lite0, ImageNet), with Grad-CAM.')
    .addOption(outOption())
    .option('--debug', 'stack traces of errors')
    .action(async ({ out, debug }: { out: string; debug?: boolean }) => {
      const store = openStore(out);
      const code = await runExplain(
        context,
        {
          model: bundledFile('assets/efficientnet-lite0.onnx'),
          request: {
            load: {},
            explain: {},
            chooseMethods: () => ['grad-cam'],
            save: { kinds: ['overlay', 'map'], format: 'png' },
            recorded: async () => ({}),
          },
          inputs: await expandInputs([bundledFile('assets/pictures')], { out }),
          going: 'anew',
          store,
          report: false,
          sheet: false,
          progress: false,
        },
        new DemoReporter(context.console, store, debug === true),
      );
      finish(code);
    });
}

class DemoReporter implements Reporter {
  readonly #console: Console;
  readonly #store: OutputStore;
  readonly #debug: boolean;

  constructor(console: Console, store: OutputStore, debug: boolean) {
    this.#console = console;
    this.#store = store;
    this.#debug = debug;
  }

  begin(): void {}

  async result({ input, explanation, files }: SavedResult): Promise<void> {
    const { target, timings, predictions } = explanation;
    const others = predictions
      .filter(({ index }) => index !== target.index)
      .slice(0, 2)
      .map(other => `${className(other)} ${percent(other.probability ?? 0)}`);
    await this.#console.print(
      input,
      `  sees     ${className(target)} ${percent(target.probability ?? 0)} (then ${others.join(', ')})`,
      `  because  ${this.#store.pathOf(files.overlay ?? '')}`,
      `  took     ${timings.total.toFixed(0)} ms`,
    );
  }

  async failure({ input, error }: FailedInput): Promise<void> {
    this.#console.note(...failureLines(error, { input, debug: this.#debug }));
  }

  end(): void {}
}
