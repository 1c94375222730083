// docs/models.md: text from the rows of bench/zoo/results.json.

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

const LIBRARIES = { timm: 'One of each family of timm', torchvision: 'One of each other family of torchvision' };

const HEAD = `# Models: what was run and how exact it is

Written by \`node scripts/make-support-table.js\` from what it measured on the models that \`bench/zoo\` exports
([how](../bench/zoo/README.md)); nothing here is typed by hand. Search the page for a model's name, or for its family's. Weights are
seeded random numbers unless marked "real". [families](families/README.md) explains the layers.

**Layer chosen**, without being told anything; several are fused. **Why**: a number, explained below the table, where it was noted.

**Error**: relative l2 error of the gradient of one score (sum over two pictures) against the framework that made it in float64,
at the layer chosen automatically, at one halfway and at the input; in brackets the error of that framework's own float32 gradient. In
networks with ReLU, ReLU6 or max pooling a single value within rounding of a kink flips and changes everything before it, in
the framework as here: only there are the errors above 1e-4. Where no module returns the chosen tensor itself, the
nearest one that one does return is compared (marked \`*\`).

**Methods**: \`✓\` a map; \`0\` the method ran and its map is all zero or constant (nothing speaks for the class: frequent with random
weights, and reported as status with a reason); a letter: an error, listed below the table. One column per architecture; where its
exports differ, first that of PyTorch's legacy exporter, then that of \`dynamo=True\`. Runs are kept short: eight channels for
score methods (\`topK\`), two masks or noisy copies.

**Measured**: the day; what was mended later on a day shows in rows of later days only.
`;

/**
 * @param rows what was measured, one entry per exported model
 * @param methods names in the order of the documentation
 * @param representative the methods that one of each family is tried with
 */
export function supportPage(rows, methods, representative) {
  const of = (family, text) => {
    const members = rows.filter(row => row.family === family);
    return members.length > 0 ? [text(members)] : [];
  };
  const sections = Object.entries(FAMILIES).flatMap(([family, title]) =>
    of(family, members => `## ${title}\n\n${architectureTable(members)}\n\n${methodTable(members, methods)}\n`),
  );
  const libraries = Object.entries(LIBRARIES).flatMap(([family, title]) =>
    of(family, members => `## ${title}\n\n${libraryText(family, representative)}\n\n${libraryTable(members)}\n`),
  );
  return `${HEAD}\n${[...sections, ...libraries].join('\n')}`;
}

function architectureTable(rows) {
  const why = new Legend(index => String(index + 1));
  const lines = rows.map(row => {
    const name = row.real ? `${row.architecture} (real)` : row.architecture;
    return line([name, ...measuredCells(row, why)]);
  });
  const head = `| architecture | ${MEASURED}`;
  return [head, '|---|---|---|---|---|---|---|---|', ...lines, '', ...why.lines(), ...remarks(rows)]
    .join('\n')
    .trimEnd();
}

const MEASURED = 'exporter, opset | layer chosen | why | error: layer | middle | input | measured |';

function measuredCells({ exporter, opset, layers, gradients, error, measured }, why) {
  const shapes = layers?.map(
    ({ operator, shape }) => `\`[${shape.map(size => (size < 0 ? 'N' : size))}]\` ${operator}`,
  );
  const reasons = layers?.flatMap(({ reason, operator }) =>
    reason ? [why.sign(withoutOperator(reason, operator))] : [],
  );
  const cells = error ? [error.code, '', ''] : ['last', 'middle', 'input'].map(depth => errorCell(gradients, depth));
  return [`${exporter}, ${opset}`, shapes?.join(' + ') ?? '', [...new Set(reasons)].join(' '), ...cells, measured];
}

const withoutOperator = (reason, operator) => reason.replaceAll(` (${operator})`, '');

function errorCell(gradients, depth) {
  if (gradients.code) return depth === 'last' ? gradients.code : '';
  const found = gradients[depth];
  return found ? `${short(found.error)}${found.near ? '*' : ''} (${short(found.gap)})` : '–';
}

const short = value => (value === 0 ? '0' : value.toExponential(0));
const line = cells => `| ${cells.join(' | ')} |`;

/** What results say besides, and what an exporter could not write. */
function remarks(rows) {
  return rows.flatMap(({ architecture, exporter, opset, warnings, refused, error, gradients }) => {
    const name = `- ${architecture} (${exporter}, ${opset})`;
    return [
      ...(warnings ?? []).map(warning => `${name} warns: ${warning}`),
      ...(refused ? [`${name} cannot be written: ${inOneLine(refused)}`] : []),
      ...(error ? [`${name} is refused: ${error.code}: ${inOneLine(error.message)}`] : []),
      ...(gradients?.code ? [`${name}, gradients: ${gradients.code}: ${inOneLine(gradients.message)}`] : []),
    ];
  });
}

const inOneLine = text => text.replaceAll(/\s+/g, ' ').replaceAll('<', '&lt;').slice(0, 300);

function methodTable(rows, methods) {
  const columns = [...new Set(rows.map(({ architecture }) => architecture))];
  const legend = new Legend(letters);
  const lines = methods.map(method => {
    const cells = columns.map(column => {
      const own = rows.filter(({ architecture }) => architecture === column).sort(byExporter);
      return [...new Set(own.map(row => outcome(row, method, legend)))].join(' / ');
    });
    return line([`\`${method}\``, ...cells]);
  });
  const head = `| | ${columns.join(' | ')} |\n|---|${'---|'.repeat(columns.length)}`;
  return [head, ...lines, '', ...legend.lines()].join('\n');
}

const byExporter = (a, b) => b.exporter.localeCompare(a.exporter);

function outcome({ methods }, method, legend) {
  const [group] = Object.entries(methods ?? {}).find(([, names]) => names.includes(method)) ?? [];
  if (group === undefined) return '';
  return { ok: '✓', empty: '0' }[group] ?? legend.sign(group);
}

function libraryText(family, representative) {
  const which = family === 'timm' ? 'by the module that defines it (`timm.list_modules()`)' : 'beside those above';
  return `The smallest network of each family, ${which}, or one with fewer and narrower blocks, at a small size.
**Methods**: how many of ${representative.length} give a map (${representative.map(name => `\`${name}\``).join(', ')}),
and which do not: \`0\` an empty map, a letter an error.`;
}

function libraryTable(rows) {
  const [why, legend] = [new Legend(index => String(index + 1)), new Legend(letters)];
  const written = rows.filter(({ refused }) => !refused).sort((a, b) => a.module.localeCompare(b.module));
  const lines = written.map(row => {
    const name = row.architecture.slice(row.family.length + 1);
    return line([row.module, name, ...measuredCells(row, why), methodsInShort(row, legend)]);
  });
  const head = `| module | network | ${MEASURED} methods |\n|---|---|---|---|---|---|---|---|---|---|`;
  return [head, ...lines, '', ...why.lines(), ...legend.lines(), ...remarks(rows)].join('\n').trimEnd();
}

function methodsInShort({ methods }, legend) {
  const { ok = [], empty = [], ...refused } = methods ?? {};
  const named = names => names.map(name => `\`${name}\``).join(' ');
  const others = Object.entries(refused).map(([reason, names]) => `${named(names)} ${legend.sign(reason)}`);
  return [ok.length, ...(empty.length > 0 ? [`${named(empty)} 0`] : []), ...others].join('; ');
}

/** Texts that stand in a table as a sign and below it in full. */
class Legend {
  #signs = new Map();
  #name;

  /** @param name the sign of the text at an index */
  constructor(name) {
    this.#name = name;
  }

  sign(text) {
    if (!this.#signs.has(text)) this.#signs.set(text, this.#name(this.#signs.size));
    return this.#signs.get(text);
  }

  lines() {
    return [...this.#signs].map(([text, sign]) => `- ${sign} ${text}`);
  }
}

const letters = index => String.fromCharCode(97 + (index % 26)).repeat(1 + Math.floor(index / 26));
