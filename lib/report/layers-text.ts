const MOST = 5;

/** Layers that were explained, as pages and the command name them: FullGrad has dozens, of which the first and the last stand for all. */
export function layersText(names: readonly string[]): string {
  return names.length > MOST ? `${names.length} layers, ${names[0]} … ${names.at(-1)}` : names.join(' + ');
}
