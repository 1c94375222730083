import { readFileSync } from 'node:fs';

const { source, onnx, microsoft } = JSON.parse(readFileSync(new URL('operators.json', import.meta.url), 'utf8'));

/** What happens to an operator of the default domain, and why. */
function standard({ name, real }, { rules, zero, lowered, resolved, reasons }) {
  if (rules.has(name)) return ['gradient', ''];
  if (zero.has(name)) return ['zero', ''];
  if (lowered.has(name)) return ['taken apart', ''];
  if (resolved.has(name))
    return ['taken apart', `where that is known before a run; else: ${reasons[name] ?? 'it stays'}`];
  return ['none', reasons[name] ?? (real ? 'no rule has been written' : 'gives no real numbers')];
}

function contrib({ name, real }, { rules, microsoft: lowered, reasons }) {
  if (lowered.has(name)) return ['taken apart', ''];
  if (rules.has(`com.microsoft:${name}`)) return ['gradient', ''];
  const reason = reasons[`com.microsoft:${name}`];
  return ['none', reason ?? (real ? 'no rule has been written' : 'gives no real numbers')];
}

const table = rows =>
  [
    '| operator | derivative | |',
    '|---|---|---|',
    ...rows.map(([name, kind, why]) => `| ${name} | ${kind} | ${why} |`),
  ].join('\n');

const count = (rows, kind) => rows.filter(row => row[1] === kind).length;
const summary = rows =>
  `${rows.length} operators: ${count(rows, 'gradient')} with a gradient, ${count(rows, 'taken apart')} taken apart, ${count(rows, 'zero')} whose derivative is zero, ${count(rows, 'none')} without.`;

/**
 * docs/operators.md from the library's own tables.
 * @param tables rules (names of operators with a gradient rule), zero, lowered, microsoft, resolved (sets of names),
 * reasons (name to why not)
 */
export function operatorsPage(tables) {
  const first = onnx.map(operator => [operator.name, ...standard(operator, tables)]);
  const second = microsoft.map(operator => [operator.name, ...contrib(operator, tables)]);
  return `# Operators

Which operators gradients pass. Printed from the library's tables by \`node scripts/make-operators-table.js\`; do not edit.

- **gradient**: a rule of its own (\`lib/autodiff/rules/\`), exact but for rounding; single attributes may be refused by name.
- **taken apart**: written with other operators when a model is loaded, so that layers, attention and gradients are found.
- **zero**: constant wherever it has a derivative. Nothing flows back through it.
- **none**: methods that need gradients refuse a layer from which the score is reached only through it; others work.

Operators: ${source}.

## ONNX (ai.onnx, operator sets 7 to 26)

${summary(first)}

${table(first)}

## ONNX Runtime (com.microsoft)

${summary(second)}

${table(second)}
`;
}
