// Writes the methods table into README.md from the registry: `npm run build && node scripts/make-docs-tables.js`.
import { readFileSync, writeFileSync } from 'node:fs';
import { listMethods } from '../dist/index.js';

const file = new URL('../README.md', import.meta.url);
const link = paper => {
  const [kind, id] = paper.split(/:(.*)/s);
  const address = {
    arXiv: `https://arxiv.org/abs/${id}`,
    doi: `https://doi.org/${id}`,
    HAL: `https://hal.science/${id}`,
  }[kind];
  return address ? `[${paper}](${address})` : paper;
};
const needs = ({ gradients, guided, attributions, optimizer, classifier, scores, attention }) =>
  [
    attention && 'attention',
    gradients && (gradients === 'second' ? 'second derivatives' : 'gradients'),
    guided && 'guided gradients',
    attributions,
    optimizer && 'gradients (whole network)',
    classifier === true && 'linear classifier',
    scores && `runs (${scores.join(', ')})`,
  ]
    .filter(Boolean)
    .join(', ');
const rows = listMethods().map(
  ({ name, title, family, paper, needs: needed, cost }) =>
    `| \`${name}\` | ${title} | ${family} | ${link(paper)} | ${needs(needed) || 'activations'} | ${cost} |`,
);
const table = ['| name | | family | source | needs | cost |', '|---|---|---|---|---|---|', ...rows].join('\n');
const readme = readFileSync(file, 'utf8');
const [before, , after] = readme.split(/<!-- methods -->|<!-- \/methods -->/);
writeFileSync(file, `${before}<!-- methods -->\n${table}\n<!-- /methods -->${after}`);
