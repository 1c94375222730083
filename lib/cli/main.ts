#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';
import { abortOnInterrupt } from './interrupt.ts';

// Before everything else is loaded: Ctrl-C must find its handler.
const signal = abortOnInterrupt();
// Pixels and maps are memory outside V8's heap, of 20 MB; as long as that grows by little at a time, V8 marks all of it again
// for every few pictures (docs/speed.md#throughput).
setFlagsFromString('--heap-growing-percent=300');
const { Console } = await import('./tell/console.ts');
const { runCommandLine } = await import('./program.ts');

const code = await runCommandLine(process.argv.slice(2), {
  console: new Console(process.stdout, process.stderr),
  library: () => import('../index.ts'),
  signal,
});
// After an interruption something may still be on its way (a model that is being loaded).
if (signal.aborted) process.exit(code);
process.exitCode = code;
