/** The pages in docs/ against the code: every method and metric has its section, and everything that is cited or linked is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ParamSpec } from '../lib/methods/definition.ts';
import { METHODS } from '../lib/methods/registry.ts';
import type { MetricParam } from '../lib/metrics/definition.ts';
import { listMetrics } from '../lib/metrics/list.ts';
import { METRICS } from '../lib/metrics/registry.ts';
import { listTechniques } from '../lib/techniques/list.ts';
import { TECHNIQUES } from '../lib/techniques/registry.ts';
import type { TechniqueParam } from '../lib/techniques/technique.ts';
// @ts-expect-error scripts are plain JavaScript
import { metricsTable, parametersTable } from '../scripts/metrics/tables.js';
// @ts-expect-error scripts are plain JavaScript
import { techniqueParametersTable, techniquesTable } from '../scripts/techniques/tables.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = /\.(ts|js|py|sh|cpp|hpp|inl|cu|cuh)$/;
/** Parameters that one section explains for all methods, and those whose values are names of other methods. */
const SHARED = new Set(['topK', 'rank', 'dedupe']);
const NAMES_METHODS = new Set(['base']);

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

function filesIn(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && pattern.test(entry.name))
    .map(entry => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter(file => !file.includes('node_modules/'));
}

/** What `#…` may say of a page: headings as GitHub makes anchors of them, and anchors written out. */
function anchorsOf(page: string): ReadonlySet<string> {
  const anchors = new Set([...page.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id!));
  const seen = new Map<string, number>();
  for (const [, heading] of page.replaceAll(/^```.*?^```/gms, '').matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-');
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    anchors.add(before === 0 ? slug : `${slug}-${before}`);
  }
  return anchors;
}

/** The members of the type, as it is written. */
const errorCodes = [...read('lib/common/errors.ts').matchAll(/^ {2}\| '(ERR_\w+)'/gm)].map(([, code]) => code!);

const pages = [
  ...[
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'SECURITY.md',
    'examples/README.md',
    'examples/service/README.md',
  ],
  ...filesIn('docs', /\.md$/),
];
const anchors = new Map(pages.map(page => [page, anchorsOf(read(page))]));
// This file has the forms that it looks for.
const sources = ['lib', 'native', 'bench', 'test', 'scripts']
  .flatMap(folder => filesIn(folder, SOURCES))
  .filter(file => file !== 'test/docs.test.ts');

/** What stands above the first heading, and what below each heading that is a name. */
function partsOf(page: string) {
  const sections = page
    .split(/^(?=#{2,3} )/m)
    .map(section => [/^### `(.+)`\n/.exec(section)?.[1], section] as const)
    .filter((one): one is readonly [string, string] => one[0] !== undefined);
  return { links: page.slice(0, page.indexOf('\n## ')), sections: new Map(sections) };
}

describe('docs/methods.md', () => {
  const page = read('docs/methods.md');
  const { links, sections } = partsOf(page);

  it('has the methods in the order of the registry', () => {
    expect([...sections.keys()]).toEqual(METHODS.map(({ name }) => name));
  });

  it.each(METHODS.map(method => [method.name, method] as const))('%s', (name, method) => {
    const section = sections.get(name)!;
    expect(anchors.get('docs/methods.md')).toContain(name.replaceAll('++', '-pp'));
    expect(links.includes(`](#${name.replaceAll('++', '-pp')})`), 'it is linked at the top').toBe(true);
    expect(section, 'the formula, indented').toMatch(/^ {4}\S/m);
    const [, listed] = /conventions:\s([^\n]*(?:\n[^\n]+)*)/.exec(section)!;
    expect(listed!.split(/,\s+/), 'the end of the first paragraph').toEqual(['paper', ...method.conventions]);
    expect(section.includes('`relu` false'), 'it says `relu` false').toBe(!method.relu);
    for (const [param, spec] of Object.entries<ParamSpec>(method.params ?? {})) {
      if (SHARED.has(param)) expect(page).toContain(`\`${param}\``);
      else expect(section).toContain(`\`${param}\``);
      if (!NAMES_METHODS.has(param))
        for (const value of spec.values ?? [])
          expect(SHARED.has(param) ? page : section).toMatch(new RegExp(`(?<![\\w-])${value}(?![\\w-])`));
    }
  });
});

describe('docs/metrics.md', () => {
  const page = read('docs/metrics.md');
  const { links, sections } = partsOf(page);

  it('has the metrics in the order of the registry', () => {
    expect([...sections.keys()]).toEqual(METRICS.map(({ name }) => name));
  });

  it.each(METRICS.map(metric => [metric.name, metric] as const))('%s', (name, metric) => {
    const section = sections.get(name)!;
    expect(links.includes(`](#${name})`), 'it is linked at the top').toBe(true);
    expect(section, 'the formula, indented').toMatch(/^ {4}\S/m);
    const [, question] = section.split('\n\n');
    expect(question!.at(-1), 'the first paragraph ends with which way is better').toBe(
      metric.direction === 'higher' ? '↑' : '↓',
    );
    const params = Object.entries<MetricParam>(metric.params ?? {});
    const [, listed = ''] = /Parameters?:\s([^\0]*)$/.exec(section.trim()) ?? [];
    expect([...listed.matchAll(/`(\w+)`/g)].map(([, param]) => param)).toEqual(params.map(([param]) => param));
    if (params.length === 0) expect(section.trim()).toMatch(/No\sparameters\.$/);
  });

  it.each([
    ['metrics', metricsTable],
    ['parameters', parametersTable],
  ] as const)('has the table of %s that scripts/make-docs-tables.js writes', (name, table) => {
    const [, found] = new RegExp(`<!-- ${name} -->\\n(.*)\\n<!-- /${name} -->`, 's').exec(page)!;
    expect(found, 'run: npm run build && node scripts/make-docs-tables.js').toBe(table(listMetrics()));
  });
});

describe('docs/techniques.md', () => {
  const page = read('docs/techniques.md');
  const { links, sections } = partsOf(page);

  it('has the techniques in the order of the registry', () => {
    expect([...sections.keys()]).toEqual(TECHNIQUES.map(({ name }) => name));
  });

  it.each(TECHNIQUES.map(technique => [technique.name, technique] as const))('%s', (name, technique) => {
    const section = sections.get(name)!;
    expect(links.includes(`](#${name})`), 'it is linked at the top').toBe(true);
    expect(section, 'the formula, indented').toMatch(/^ {4}\S/m);
    expect(section, 'when to use it').toMatch(/^When: /m);
    for (const [param, { type, ...spec }] of Object.entries<TechniqueParam>(technique.params ?? {})) {
      expect(section).toContain(`\`${param}`);
      for (const value of (type === 'string' && 'values' in spec && spec.values) || [])
        expect(section).toContain(value);
    }
  });

  it.each([
    ['techniques', techniquesTable],
    ['parameters', techniqueParametersTable],
  ] as const)('has the table of %s that scripts/make-docs-tables.js writes', (name, table) => {
    const [, found] = new RegExp(`<!-- ${name} -->\\n(.*)\\n<!-- /${name} -->`, 's').exec(page)!;
    expect(found, 'run: npm run build && node scripts/make-docs-tables.js').toBe(table(listTechniques()));
  });
});

it('the README lists the methods in the order of the registry', () => {
  const [, table] = /<!-- methods -->(.*)<!-- \/methods -->/s.exec(read('README.md'))!;
  expect([...table!.matchAll(/^\| `([^`]+)` \| ([^|]+) \|/gm)].map(([, name, title]) => [name, title])).toEqual(
    METHODS.map(({ name, title }) => [name, title]),
  );
});

describe('CHANGELOG.md', () => {
  const page = read('CHANGELOG.md');

  it("begins with the package's version", () => {
    expect(/^## \[(.+?)\]/m.exec(page)![1]).toBe(JSON.parse(read('package.json')).version);
  });

  it('counts what is there', () => {
    const kinds = new Set(METRICS.map(({ family }) => family)).size;
    expect(page).toContain(`${METHODS.length} methods`);
    expect(page).toContain(`${METRICS.length} metrics of ${kinds} kinds`);
    expect(page).toContain(`${TECHNIQUES.length} techniques`);
  });
});

describe('docs/README.md', () => {
  const links = [...read('docs/README.md').matchAll(/\]\(([\w./-]+\.md)/g)].map(([, link]) => link!);

  it('leads to every page', () => {
    const missing = pages
      .filter(page => page.startsWith('docs/') && page !== 'docs/README.md')
      .filter(page => {
        const link = page.slice('docs/'.length);
        return !links.includes(link) && !links.includes(`${dirname(link)}/README.md`);
      });
    expect(missing).toEqual([]);
  });

  it('is linked by the README', () => {
    expect(read('README.md')).toContain('](docs/README.md)');
  });
});

describe('what sources cite', () => {
  it('is a heading of a page that is here', () => {
    const missing = sources.flatMap(file =>
      [...read(file).matchAll(/(docs\/[\w/-]+\.md)#([\w-]+)/g)]
        .filter(([, page, anchor]) => !anchors.get(page!)?.has(anchor!))
        .map(([citation]) => `${file}: ${citation}`),
    );
    expect(missing).toEqual([]);
  });

  it('are no pages from outside the repository', () => {
    const outside = sources.flatMap(file =>
      [...read(file).matchAll(/[\w./-]*\w\.md\b|(?:contract ?)?§ ?\d[\d.]*/gi)]
        .map(([citation]) => citation)
        .filter(
          citation =>
            citation.includes('§') ||
            ![ROOT, join(ROOT, 'docs'), join(ROOT, dirname(file))].some(folder => existsSync(join(folder, citation))),
        )
        .map(citation => `${file}: ${citation}`),
    );
    expect(outside).toEqual([]);
  });
});

describe('files and commands', () => {
  const placeholders = /my[-_](?:cam|kernel|metric|technique)|FOLDER/;

  it.each(pages)('that %s names are there', page => {
    const text = read(page);
    const paths = [...text.matchAll(/(?<![\w./-])((?:lib|native|bench|scripts|test|assets|examples)\/[\w./-]*[\w/])/g)];
    const scripts = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name!);
    const known = JSON.parse(read('package.json')).scripts;
    expect(
      paths.map(([, path]) => path!).filter(path => !placeholders.test(path) && !existsSync(join(ROOT, path))),
    ).toEqual([]);
    expect(scripts.filter(name => !(name in known))).toEqual([]);
  });
});

describe('links', () => {
  it.each(pages)('of %s lead somewhere', page => {
    const text = read(page).replaceAll(/^```.*?^```/gms, '');
    const links = [...text.matchAll(/\]\(([^)\s]+)\)|\b(?:src|href)="([^"]+)"/g)].map(found => (found[1] ?? found[2])!);
    const broken = links
      .filter(link => !/^[a-z]+:/.test(link))
      .filter(link => {
        const [path = '', anchor] = link.split('#');
        const file = path === '' ? page : relative(ROOT, resolve(ROOT, dirname(page), path)).replaceAll('\\', '/');
        if (!existsSync(join(ROOT, file))) return true;
        return anchor !== undefined && !anchors.get(file)?.has(anchor);
      });
    expect(broken).toEqual([]);
  });
});

describe('codes of errors', () => {
  const section = read('docs/guide.md').split('\n### Codes\n')[1]!.split(/^##/m)[0]!;
  const rows = [...section.matchAll(/^\| `(ERR_\w+)` \|(.*)\|$/gm)].map(
    ([, code, rest]) => [code!, rest!.split('|')] as const,
  );

  it('are all in the table of the guide, each once', () => {
    expect(errorCodes).toContain('ERR_BUSY');
    expect(rows.map(([code]) => code).sort()).toEqual([...errorCodes].sort());
  });

  it.each(rows)('%s says what, whose fault, a status, and whether to try again', (_, cells) => {
    expect(cells).toHaveLength(4);
    for (const cell of cells) expect(cell.trim()).not.toBe('');
    expect(cells[2]).toMatch(/^ (4\d\d|5\d\d)\b/);
  });
});
