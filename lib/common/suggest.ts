/** No name that anybody mistypes is longer; comparing takes the product of the lengths. */
const LONGEST = 1000;

/** Up to `count` known names nearest to a mistyped one, for error messages ("did you mean …"). */
export function nearestNames(wanted: string, known: readonly string[], count = 3): string[] {
  if (wanted.length > LONGEST) return [];
  const query = wanted.toLowerCase();
  return known
    .filter(name => name.length <= LONGEST)
    .map(name => ({ name, distance: nameDistance(query, name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= Math.max(2, Math.ceil(name.length / 2)))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ name }) => name);
}

/** The sentence for an error message, or an empty string when nothing comes near. */
export function didYouMean(wanted: string, known: readonly string[]): string {
  const names = nearestNames(wanted, known);
  return names.length === 0 ? '' : ` (did you mean ${names.join(', ')}?)`;
}

/** Levenshtein distance, with a name that merely contains the query counted as near. */
function nameDistance(query: string, name: string): number {
  if (query.length >= 3 && (name.includes(query) || query.includes(name))) return 1;
  let previous = Array.from({ length: name.length + 1 }, (_, index) => index);
  for (let i = 1; i <= query.length; i++) {
    const current = [i];
    for (let j = 1; j <= name.length; j++) {
      const replace = previous[j - 1]! + (query[i - 1] === name[j - 1] ? 0 : 1);
      current.push(Math.min(replace, previous[j]! + 1, current[j - 1]! + 1));
    }
    previous = current;
  }
  return previous[name.length]!;
}
