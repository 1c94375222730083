// docs/models.md: text from the results of measure-model.js.

const FAMILIES = {
  cnn: 'Convolutional networks',
  mobile: 'Mobile networks',
  transformers: 'Vision transformers',
  'swin-and-hierarchical': 'Windowed and hierarchical transformers',
  hybrids: 'Hybrids of convolution and attention',
  mixers: 'Mixers',
  embeddings: 'Embeddings without classes',
  segmentation: 'Segmentation',
  keras: 'Keras through tf2onnx',
  paddle: 'PaddlePaddle',
};

const HEAD = `# Models: what was run and how exact it is

Written by \`node scripts/make-support-table.js --models FOLDER\` from the models that \`bench/zoo\` exports; nothing here is
typed by hand. Weights are seeded random numbers unless marked "real". [families](families/README.md) explains the layers.

**Gradients**: relative l2 error of the gradient of one score (sum over two pictures) against the framework that made it in float64, at the layer
chosen automatically, at one halfway and at the input; in brackets the error of that framework's own float32 gradient. In
networks with ReLU, ReLU6 or max pooling a single value within rounding of a kink flips and changes everything before it, in
the framework as here: only there are the errors above 1e-4. Where no module returns the chosen tensor itself, the
nearest one that one does return is compared (marked \`*\`).

**Methods**: \`✓\` a map; \`0\` the method ran and its map is all zero or constant (nothing speaks for the class: frequent with random
weights, and reported as status with a reason); a letter: an error, listed below the table. One column per architecture; where its
exports differ, first that of PyTorch's legacy exporter, then that of \`dynamo=True\`. Runs are kept short: eight channels for
score methods (\`topK\`), two masks or noisy copies.
`;

/**
 * @param models one entry per exported model: golden facts and what was measured
 * @param methods names in the order of the documentation
 */
export function supportPage(models, methods) {
  const sections = Object.entries(FAMILIES)
    .map(([family, title]) => [title, models.filter(model => model.family === family)])
    .filter(([, members]) => members.length > 0)
    .map(([title, members]) => `## ${title}\n\n${gradientTable(members)}\n\n${methodTable(members, methods)}\n`);
  return `${HEAD}\n${sections.join('\n')}`;
}

function gradientTable(models) {
  const rows = models.map(({ architecture, exporter, opset, real, layer, gradients, error }) => {
    const shape = layer ? `\`[${layer.shape.map(size => (size < 0 ? 'N' : size)).join(',')}]\` ${layer.operator}` : '';
    const cells = error ? [error.code, '', ''] : ['last', 'middle', 'input'].map(depth => errorCell(gradients, depth));
    const name = real ? `${architecture} (real)` : architecture;
    return `| ${[name, `${exporter}, ${opset}`, shape, ...cells].join(' | ')} |`;
  });
  const head =
    '| architecture | exporter, opset | layer chosen | error: layer | middle | input |\n|---|---|---|---|---|---|';
  return [head, ...rows].join('\n');
}

function errorCell(gradients, depth) {
  if (gradients.code) return depth === 'last' ? gradients.code : '';
  const found = gradients[depth];
  if (!found) return '–';
  const star = depth === 'last' && !found.chosen ? '*' : '';
  return `${short(found.error)}${star} (${short(found.gap)})`;
}

const short = value => (value === 0 ? '0' : value.toExponential(0));

function methodTable(models, methods) {
  const columns = [...new Set(models.map(({ architecture }) => architecture))];
  const reasons = new Map();
  const cellOf = ({ methods: found, error }, method) => {
    const { status, code, message } = found?.[method] ?? error ?? {};
    if (status) return status === 'ok' ? '✓' : '0';
    if (!code) return '';
    const reason = `${code}: ${generalised(message, method)}`;
    if (!reasons.has(reason)) reasons.set(reason, letter(reasons.size));
    return reasons.get(reason);
  };
  const rows = methods.map(method => {
    const cells = columns.map(column => {
      const own = models.filter(({ architecture }) => architecture === column).sort(byExporter);
      return [...new Set(own.map(model => cellOf(model, method)))].join(' / ');
    });
    return `| \`${method}\` | ${cells.join(' | ')} |`;
  });
  const head = `| | ${columns.join(' | ')} |\n|---|${'---|'.repeat(columns.length)}`;
  const legend = [...reasons].map(([reason, sign]) => `- ${sign} ${reason}`);
  return [head, ...rows, '', ...legend].join('\n');
}

const byExporter = (a, b) => b.exporter.localeCompare(a.exporter);
const letter = index => String.fromCharCode(97 + (index % 26)).repeat(1 + Math.floor(index / 26));

/** One reason for all methods and tensors that have it; of the operators without rules each kind once. */
function generalised(message, method) {
  return message
    .replaceAll(method, 'the method')
    .replaceAll(/"[^"]*"/g, '"…"')
    .replace(/(?<=through operator ).*?(?=;)/, operators => {
      const kinds = operators.matchAll(/([\w.:]+) \(node/g);
      return [...new Set([...kinds].map(([, kind]) => kind))].sort().join(', ');
    })
    .replaceAll(/\s+/g, ' ')
    .replaceAll('|', '\\|');
}
