/** The tables of docs/techniques.md that say what techniques are: from what `listTechniques()` says. */
import { allowed, shown, source } from '../metrics/tables.js';

/** Without those that are a name written without hyphens, or the title. */
function ownNames(name, aliases) {
  const joined = new Set([name, ...aliases].filter(one => /[-\s]/.test(one)).map(one => one.replaceAll(/[-\s]/g, '')));
  return [...new Set(aliases)].filter(alias => !alias.includes(' ') && !joined.has(alias)).map(alias => `\`${alias}\``);
}

/** A line for each technique. @param techniques of `listTechniques()` */
export function techniquesTable(techniques) {
  const rows = techniques.map(
    ({ name, aliases, title, needs, cost, paper }) =>
      `| [\`${name}\`](#${name}) | ${title} | ${ownNames(name, aliases).join(', ')} | ` +
      `${needs.sizes ? 'inputs of any size' : '–'} | ${cost} | ${source(paper)} |`,
  );
  return ['| name | | also | needs | cost | source |', '|---|---|---|---|---|---|', ...rows].join('\n');
}

/** A line for each parameter. @param techniques of `listTechniques()` */
export function techniqueParametersTable(techniques) {
  const rows = techniques.flatMap(({ name, params }) =>
    Object.entries(params).map(([param, spec]) => {
      const value = Array.isArray(spec.default) && spec.default.length === 0 ? '–' : shown(spec.default);
      const numbers = spec.whole ? allowed(spec).replace('numbers', 'whole numbers') : allowed(spec);
      return `| \`${name}\` | \`${param}\` | ${value} | ${numbers} | ${spec.description} |`;
    }),
  );
  return ['| technique | parameter | default | allowed | meaning |', '|---|---|---|---|---|', ...rows].join('\n');
}
