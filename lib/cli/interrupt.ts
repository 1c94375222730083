/**
 * A signal that fires on Ctrl-C (SIGINT) or SIGTERM. A second one ends the process at once, for whoever will not wait.
 */
export function abortOnInterrupt(): AbortSignal {
  const controller = new AbortController();
  for (const [name, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(128 + number);
      controller.abort();
    });
  }
  return controller.signal;
}
