// npm run docs: docs/api from the docstrings, one page for each entry of the package. Typedoc needs TypeScript's API, which the
// compiler of this repository has no more, so it lives in a workspace of its own with the last one that has it.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application, LogLevel } from 'typedoc';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '../..');
/** As seen from docs/api. */
const GUIDE = ['..', 'guide.md'].join('/');

/**
 * Writes the pages. Nothing in them depends on the machine, the day or the commit.
 * @returns warnings (of an export whose types are not exported, of a link that leads nowhere), and typedoc's JSON
 */
export async function makePages(out) {
  const app = await Application.bootstrapWithPlugins({ options: join(here, 'typedoc.json'), out });
  const warnings = [];
  app.logger.addContext = message => message;
  app.logger.log = (message, level) => {
    if (level >= LogLevel.Warn) warnings.push(message);
  };
  const project = await app.convert();
  if (!project) throw new Error(`typedoc found no project: ${warnings.join('\n')}`);
  app.validate(project);
  await app.generateOutputs(project);
  const json = app.serializer.projectToObject(project, root);
  writeFileSync(join(out, 'README.md'), indexPage(json.children));
  return { warnings, project: json };
}

function indexPage(entries) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const sections = entries.map(entry => {
    const page = `${entry.name.replaceAll('/', '.')}.md`;
    const nameOf = new Map(entry.children.map(({ id, name }) => [id, name]));
    const groups = entry.groups.map(({ title, children }) => {
      const links = children.map(id => nameOf.get(id)).sort();
      return `${title}: ${links.map(name => `[${name}](${page}#${name.toLowerCase()})`).join(', ')}`;
    });
    return [`## [${entry.name}](${page})`, textOf(entry.comment), ...groups].join('\n\n');
  });
  return `${[
    `# API of onnx-cam ${version}`,
    `Made from the docstrings by \`npm run docs\`. [The guide](${GUIDE}) says how the parts are used together.`,
    ...sections,
    '## Error codes',
    '`OnnxCamError.code`, which says what went wrong; the message says what was expected, what came and what to do.',
    ['| code | |', '|---|---|', ...errorCodes(entries).map(([code, text]) => `| \`${code}\` | ${text} |`)].join('\n'),
  ].join('\n\n')}\n`;
}

function errorCodes([main]) {
  const { types, elementSummaries } = main.children.find(({ name }) => name === 'ErrorCode').type;
  return types.map(({ value }, i) => [value, textOf({ summary: elementSummaries[i] }).replaceAll(/\s+/g, ' ')]);
}

const textOf = comment => comment.summary.map(({ text }) => text).join('');

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const out = join(root, 'docs/api');
  rmSync(out, { recursive: true, force: true });
  const { warnings } = await makePages(out);
  for (const warning of warnings) console.error(warning);
  process.exitCode = warnings.length > 0 ? 1 : 0;
}
