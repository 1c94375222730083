#!/usr/bin/env node
import { abortOnInterrupt } from './interrupt.ts';

// Before everything else is loaded: Ctrl-C must find its handler.
const signal = abortOnInterrupt();
const { Console } = await import('./console.ts');
const { runCommandLine } = await import('./program.ts');

const code = await runCommandLine(process.argv.slice(2), {
  console: new Console(process.stdout, process.stderr),
  library: () => import('../index.ts'),
  signal,
});
// After an interruption something may still be on its way (a model that is being loaded).
if (signal.aborted) process.exit(code);
process.exitCode = code;
