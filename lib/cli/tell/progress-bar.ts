import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import { visible } from '../../common/visible.ts';

const BAR_WIDTH = 24;

/** A progress bar at the foot of a terminal; nothing at all when standard error is no terminal. */
export class ProgressBar {
  readonly #stream: NodeJS.WriteStream;
  #bars: MultiBar | undefined;
  #bar: SingleBar | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /** Shows the bar for `total` inputs. */
  start(total: number): void {
    if (!this.#stream.isTTY) return;
    this.#bars = new MultiBar(
      {
        stream: this.#stream,
        format: '{bar} {inputs}/{of} {name}',
        hideCursor: true,
        // Wrapping stays on: result lines longer than the terminal must not lose their end.
        linewrap: true,
        clearOnComplete: true,
        barsize: BAR_WIDTH,
        // Ctrl-C is the command's own business: it writes the manifest first.
        gracefulExit: false,
      },
      Presets.shades_classic,
    );
    this.#bar = this.#bars.create(total, 0, { inputs: 0, of: total, name: '' });
  }

  /** There are more of them than there were, or fewer. */
  total(total: number): void {
    this.#bar?.setTotal(total);
    this.#bar?.update({ of: total });
  }

  /** `done` inputs are finished; `part` (0..1) of the next one, called `name`, is done as well. */
  update(done: number, name: string, part = 0): void {
    this.#bar?.update(done + part, { inputs: done, name: this.#fit(visible(name)) });
  }

  /** The end of a name that is too long for the line: a bar that wraps cannot be taken away again. */
  #fit(name: string): string {
    const room = (this.#stream.columns ?? 80) - BAR_WIDTH - 20;
    return name.length <= room ? name : room > 1 ? `…${name.slice(1 - room)}` : '';
  }

  /** Writes lines above the bar, as they are; false when there is no bar. */
  log(text: string): boolean {
    if (!this.#bars) return false;
    this.#bars.log(`${text}\n`);
    this.#bars.update();
    return true;
  }

  /** Takes the bar away. */
  stop(): void {
    this.#bars?.stop();
    this.#bars = undefined;
    this.#bar = undefined;
  }
}
