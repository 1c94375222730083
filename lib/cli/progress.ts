import { MultiBar, Presets, type SingleBar } from 'cli-progress';

/** A progress bar at the foot of a terminal; nothing at all when standard error is no terminal. */
export class Progress {
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
        clearOnComplete: true,
        barsize: 24,
        // Ctrl-C is the command's own business: it writes the manifest first.
        gracefulExit: false,
      },
      Presets.shades_classic,
    );
    this.#bar = this.#bars.create(total, 0, { inputs: 0, of: total, name: '' });
  }

  /** `done` inputs are finished; `part` (0..1) of the next one, called `name`, is done as well. */
  update(done: number, name: string, part = 0): void {
    this.#bar?.update(done + part, { inputs: done, name });
  }

  /** Writes a line above the bar; false when there is no bar. */
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
