import { once } from 'node:events';
import { Progress } from './progress.ts';

/** The two streams of a command: results on standard output, everything for people on standard error. */
export class Console {
  readonly progress: Progress;
  readonly #stdout: NodeJS.WriteStream;
  readonly #stderr: NodeJS.WriteStream;
  #readerGone = false;

  constructor(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.progress = new Progress(stderr);
    // A reader that has seen enough (`| head`) is no error: the files are the result, what is left is only not printed.
    stdout.on('error', error => {
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
      this.#readerGone = true;
    });
    stderr.on('error', () => {});
  }

  /** Writes lines to standard output; waits while a slow reader's buffer is full. */
  async print(text: string): Promise<void> {
    if (this.#readerGone) return;
    if (!this.#stdout.write(`${text}\n`)) await once(this.#stdout, 'drain').catch(() => {});
  }

  /** A line for people on standard error, above the progress bar if there is one. */
  note(text: string): void {
    if (!this.progress.log(text)) this.#stderr.write(`${text}\n`);
  }

  warn(text: string): void {
    this.note(`onnx-cam: warning: ${text}`);
  }
}
