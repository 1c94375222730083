import { visible } from '../../common/visible.ts';
import { outputError } from '../../io/output-error.ts';
import { failureLines } from './failure.ts';
import { ProgressBar } from './progress-bar.ts';

/**
 * The two streams of a command: results on standard output, everything for people on standard error. All that the command
 * says goes through here, a line at a time, and characters that act on a terminal are shown escaped: names of files, layers
 * and classes may be a stranger's.
 */
export class Console {
  readonly progress: ProgressBar;
  readonly #stdout: NodeJS.WriteStream;
  readonly #stderr: NodeJS.WriteStream;
  #isClosed = false;
  #printFailed = false;

  constructor(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.progress = new ProgressBar(stderr);
    // Failures are told by the callbacks of the writes; without a listener they would end the process.
    stdout.on('error', () => {});
    stderr.on('error', () => {});
  }

  /**
   * Writes lines to standard output and waits until they are out, so that a slow reader slows the work down. A reader
   * that has seen enough (`| head`) is no error: the files are the result, what is left is only not printed. Any other
   * failure (a full disk) is told once and makes {@link printFailed} true.
   */
  async print(...lines: string[]): Promise<void> {
    await this.#write(`${lines.map(visible).join('\n')}\n`);
  }

  /** Writes a picture for the terminal as it is, on lines of its own. It must hold nothing of a stranger's. */
  async printPicture(characters: string): Promise<void> {
    await this.#write(`${characters}\n`);
  }

  async #write(text: string): Promise<void> {
    if (this.#isClosed) return;
    const error = await new Promise<NodeJS.ErrnoException | null | undefined>(done => {
      this.#stdout.write(text, done);
    });
    if (!error) return;
    this.#isClosed = true;
    // A closed pipe; Windows calls it EOF.
    if (error.code === 'EPIPE' || error.code === 'EOF') return;
    this.#printFailed = true;
    this.note(...failureLines(outputError('standard output', error)));
  }

  /** Whether lines on standard output would run into a progress bar on standard error. */
  get printsToTerminal(): boolean {
    return this.#stdout.isTTY === true;
  }

  /** Characters of a line on standard output; of a file, or a terminal that says 0, those of most terminals. */
  get width(): number {
    return this.#stdout.columns || 120;
  }

  get printFailed(): boolean {
    return this.#printFailed;
  }

  /** Lines for people on standard error, above the progress bar if there is one. */
  note(...lines: string[]): void {
    const text = lines.map(visible).join('\n');
    if (!this.progress.log(text)) this.#stderr.write(`${text}\n`);
  }

  warn(text: string): void {
    this.note(`onnx-cam: warning: ${text}`);
  }
}
