/** docs/api: complete, and made from the docstrings as they are now. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProgram } from '../lib/cli/program.ts';
// @ts-expect-error scripts are plain JavaScript
import { makePages } from '../scripts/api/make.js';
import { type Entry, errorCodes, functionsOf, namedIn, throwsOf, undocumented } from './helpers/api-reflections.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

/** They answer from what they hold. */
const NEVER_FAIL = new Set([
  ...['listMethods', 'listMetrics', 'listTechniques'],
  ...['Explainer.layers', 'Explainer.sha256', 'Explainer.dispose', 'Explainer.[asyncDispose]'],
  ...['Evaluation.dispose', 'Evaluation.[asyncDispose]', 'Explanation.range', 'Explanation.toJSON'],
  'OnnxCamError.constructor',
]);

let out: string;
let entries: readonly Entry[];
let warnings: readonly string[];
beforeAll(async () => {
  out = mkdtempSync(join(tmpdir(), 'onnx-cam-api-'));
  ({
    warnings,
    project: { children: entries },
  } = await makePages(out));
}, 240_000);
afterAll(() => rmSync(out, { recursive: true, force: true }));

describe('docs/api', () => {
  it('is what npm run docs writes', () => {
    expect(readdirSync(join(ROOT, 'docs/api')).sort()).toEqual(readdirSync(out).sort());
    for (const page of readdirSync(out))
      expect(read(`docs/api/${page}`) === readFileSync(join(out, page), 'utf8'), `${page}: run npm run docs`).toBe(
        true,
      );
  });

  it("has the package's version and its entries", () => {
    const { version, exports } = JSON.parse(read('package.json'));
    expect(read('docs/api/README.md').split('\n')[0]).toBe(`# API of onnx-cam ${version}`);
    const modules = Object.keys(exports).filter(name => name !== './package.json');
    expect(entries.map(({ name }) => name).sort()).toEqual(modules.map(name => name.replace('.', 'onnx-cam')).sort());
  });

  it('has every type that an export is made of, and links that lead somewhere', () => {
    expect(warnings).toEqual([]);
  });
});

describe('docstrings', () => {
  it('stand at every export and every property', () => {
    expect(entries.flatMap(undocumented)).toEqual([]);
  });

  it('say at every function which errors it throws', () => {
    const silent = entries
      .flatMap(functionsOf)
      .filter(({ signature }) => throwsOf(signature) === '')
      .map(({ path }) => path);
    expect([...new Set(silent)].sort()).toEqual([...NEVER_FAIL].sort());
  });

  it('name known codes only, and each of them where it is thrown', () => {
    const codes = errorCodes(entries);
    const thrown = namedIn(entries.flatMap(functionsOf).map(({ signature }) => throwsOf(signature)));
    expect(thrown.filter(code => !codes.has(code))).toEqual([]);
    // The command line's own.
    expect(
      [...codes.keys()].filter(code => !['ERR_USAGE', 'ERR_QUEUE'].includes(code) && !thrown.includes(code)),
    ).toEqual([]);
    expect([...codes].filter(([, text]) => text === '')).toEqual([]);
  });
});

describe('the command', () => {
  const console = { print: () => {}, note: () => {} };
  const program: Command = buildProgram({ console } as never, () => {});
  const commands = [program, ...program.commands];

  it.each(commands.map(command => [command.name(), command] as const))(
    '%s says what it and its options do',
    (_, it) => {
      expect(it.description()).not.toBe('');
      expect(it.options.filter(({ description }) => !description).map(({ flags }) => flags)).toEqual([]);
      expect(it.registeredArguments.filter(({ description }) => !description).map(arg => arg.name())).toEqual([]);
    },
  );
});
