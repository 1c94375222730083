// Writes the tables of methods (README.md), metrics (docs/metrics.md) and techniques (docs/techniques.md) from the registries:
// npm run build && node scripts/make-docs-tables.js
import { listMethods, listMetrics, listTechniques } from '../dist/index.js';
import { metricsTable, parametersTable } from './metrics/tables.js';
import { writeSection } from './support/write-section.js';
import { techniqueParametersTable, techniquesTable } from './techniques/tables.js';

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
const methods = ['| name | | family | source | needs | cost |', '|---|---|---|---|---|---|', ...rows].join('\n');

writeSection('README.md', 'methods', methods);
writeSection('docs/metrics.md', 'metrics', metricsTable(listMetrics()));
writeSection('docs/metrics.md', 'parameters', parametersTable(listMetrics()));
writeSection('docs/techniques.md', 'techniques', techniquesTable(listTechniques()));
writeSection('docs/techniques.md', 'parameters', techniqueParametersTable(listTechniques()));
