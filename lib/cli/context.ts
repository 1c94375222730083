import type { Console } from './console.ts';
import type { Library } from './library.ts';

/** What every command gets. */
export interface CommandContext {
  readonly console: Console;
  /** The module itself, loaded when a command needs it: `--help` should not wait for it. */
  readonly library: () => Promise<Library>;
  /** Fires on Ctrl-C. */
  readonly signal: AbortSignal;
}
