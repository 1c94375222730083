import type { Library } from './library.ts';
import type { Console } from './tell/console.ts';

/** What every command gets. */
export interface CommandContext {
  readonly console: Console;
  /** The module itself, loaded when a command needs it: `--help` should not wait for it. */
  readonly library: () => Promise<Library>;
  /** Fires on Ctrl-C. */
  readonly signal: AbortSignal;
}
