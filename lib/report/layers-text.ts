const MOST = 5;

/** Layers that were explained, as a page names them. */
export function layersText(names: readonly string[]): string {
  return names.length > MOST ? `${names.length} layers, ${names[0]} … ${names.at(-1)}` : names.join(' + ');
}
