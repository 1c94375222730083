import { readFileSync } from 'node:fs';
import { transformSync } from '@swc/core';

/** A fenced block of a page. */
export interface Snippet {
  readonly page: string;
  readonly line: number;
  /** As it is written behind the fence: 'ts', 'js', 'sh' or ''. */
  readonly language: string;
  readonly code: string;
  /** Why it is not run: `<!-- not run: why -->` above it. */
  readonly notRun: string | undefined;
}

const BLOCK = /^(?:<!-- not run: ([^\n]+) -->\n+)?^```(\w*)\n(.*?)^```/gms;

export function snippetsOf(page: string): Snippet[] {
  const text = readFileSync(page, 'utf8');
  return [...text.matchAll(BLOCK)].map(({ 0: whole, 1: notRun, 2: language, 3: code, index }) => {
    const line = text.slice(0, index + whole.indexOf('```')).split('\n').length;
    return { page, line, language: language!, code: code!, notRun };
  });
}

/** What a block has from those above it on its page, or from the text around it, where it does not declare it itself. */
const GIVEN = {
  cam: "import('onnx-cam').Explainer",
  result: "import('onnx-cam').Explanation",
  signal: 'AbortSignal',
};

const IMPORT = /^import [^;]+;\n/gm;

/** A block as a module: the imports of the blocks above it on its page hold for it too. */
export function moduleOf(snippet: Snippet, above: readonly Snippet[]): string {
  const own = [...snippet.code.matchAll(IMPORT)].map(([line]) => line);
  const known = namesIn(own.join(''));
  const body = snippet.code.replaceAll(IMPORT, '');
  const used = namesUsed(body);
  const inherited = above
    .flatMap(({ code }) => [...code.matchAll(IMPORT)].map(([line]) => line))
    .flatMap(line => importsOf(line))
    .filter(({ name }) => used.has(name) && !known.has(name))
    .map(({ name, from, isDefault }) => `import ${isDefault ? name : `{ ${name} }`} from '${from}';\n`);
  const given = Object.entries(GIVEN)
    .filter(([name]) => used.has(name) && !declares(body, name))
    .map(([name, type]) => `declare const ${name}: ${type};\n`);
  return [...own, ...new Set(inherited), ...given, body, 'export {};\n'].join('');
}

/** The names of {@link GIVEN} that a block declares, which blocks below it may use. */
export function madeBy({ code }: Snippet): string[] {
  return Object.keys(GIVEN).filter(name => declares(code, name));
}

/**
 * The block as a function.
 * @param values of {@link GIVEN}
 * @param modules what the packages that it imports have
 * @returns the names of {@link GIVEN} that it made, with their values
 */
export function run(
  code: string,
  values: Readonly<Record<string, unknown>>,
  modules: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): Promise<Record<string, unknown>> {
  const made = Object.keys(GIVEN).filter(name => declares(code, name));
  const given = Object.keys(values).filter(name => !made.includes(name));
  const body = code
    .replace(/^export \{\};\n/m, '')
    .replaceAll(/^declare const [^\n]+\n/gm, '')
    .replaceAll(/^import type [^;]+;\n/gm, '')
    .replaceAll(/^import (\w+) from '([^']+)';/gm, "const $1 = modules['$2'].default;")
    .replaceAll(/^import \{([^}]+)\} from '([^']+)';/gm, "const {$1} = modules['$2'];");
  const source = `async function snippet(modules, console, { ${given.join(', ')} }) {\n${body}\nreturn { ${made.join(', ')} };\n}`;
  const plain = transformSync(source, { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, isModule: false });
  const quiet = { log: () => {}, error: () => {} };
  return new Function(`${plain.code}\nreturn snippet;`)()(modules, quiet, values);
}

const namesUsed = (code: string): ReadonlySet<string> => new Set(code.match(/\w+/g) ?? []);
const namesIn = (imports: string): ReadonlySet<string> =>
  new Set(imports.split('\n').flatMap(line => importsOf(line).map(({ name }) => name)));
const declares = (code: string, name: string): boolean =>
  new RegExp(`^(?:const|let|await using) (?:\\w+, )*\\{?[^=\\n]*\\b${name}\\b[^=\\n]*=`, 'm').test(code);

function importsOf(text: string): { readonly name: string; readonly from: string; readonly isDefault: boolean }[] {
  return [...text.matchAll(/import ([^;]+?) from '([^']+)';/g)].flatMap(([, what, from]) =>
    what!.startsWith('{')
      ? what!
          .slice(1, -1)
          .split(',')
          .map(name => ({ name: name.trim(), from: from!, isDefault: false }))
          .filter(({ name }) => name !== '')
      : [{ name: what!, from: from!, isDefault: true }],
  );
}
