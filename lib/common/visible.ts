/**
 * Characters that act on a terminal or on the reading order instead of being shown: C0 and C1 controls, DEL, line and
 * paragraph separators, bidirectional marks, embeddings, overrides and isolates.
 */
const ACTING = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
const ACTING_BUT_BREAKS = /(?!\n)[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/**
 * A text as it is safe to print on one line, whoever wrote it: characters that act are written as JSON escapes them, so that
 * a line of JSON stays the same JSON.
 */
export function visible(text: string): string {
  return text.replaceAll(ACTING, escaped);
}

/** The same for a text of several lines. */
export function visibleLines(text: string): string {
  return text.replaceAll(ACTING_BUT_BREAKS, escaped);
}

function escaped(character: string): string {
  const json = JSON.stringify(character).slice(1, -1);
  return json === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : json;
}
