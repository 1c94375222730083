/**
 * What the README and the pages in docs/ show is compiled as a user's program in the strictest settings, and run: on the bundled model, small
 * photos and a small detector. Commands run through a shell. A block that cannot be run here says why in a comment above it,
 * `<!-- not run: why -->`; its types are checked all the same.
 */

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as main from '../lib/index.ts';
import * as kernels from '../lib/kernels/index.ts';
import * as targets from '../lib/targets/index.ts';
import { madeBy, moduleOf, run, type Snippet, snippetsOf } from './helpers/snippets.ts';
import { UserProject } from './helpers/user-project.ts';

/** Pages of recipes for other tools, which scripts run with these tools. */
const TRIED_BY_SCRIPTS = ['install', 'deploy', 'platforms'];
/** Commands that are no snippets of this package's use. */
const OTHER_COMMANDS = /^(npm|node|bash|git|python)\b/;

const root = resolve('.');
const pages = [
  'README.md',
  ...readdirSync('docs')
    .filter(name => name.endsWith('.md') && !TRIED_BY_SCRIPTS.includes(name.slice(0, -3)))
    .map(name => `docs/${name}`),
];
const snippets = pages.flatMap(snippetsOf);
const isProgram = ({ language }: Snippet) => language === 'ts' || language === 'js';
const programs = snippets.filter(isProgram);
const commands = snippets.filter(
  ({ language, code }) => ['', 'sh'].includes(language) && code.includes('npx onnx-cam'),
);
const nameOf = ({ page, line }: Snippet) => `${page}:${line}`;
const modules = programs.map(snippet => {
  const above = programs.filter(({ page, line }) => page === snippet.page && line < snippet.line);
  return { snippet, file: `${nameOf(snippet).replaceAll(/\W/g, '-')}.ts`, code: moduleOf(snippet, above) };
});

const places = mkdtempSync(join(tmpdir(), 'onnx-cam-snippets-'));
const folder = join(places, 'files');
const packages = {
  'onnx-cam': main,
  'onnx-cam/kernels': kernels,
  'onnx-cam/targets': targets,
  sharp: { default: sharp },
  'node:fs': fs,
  'node:path': { ...path },
};

beforeAll(async () => {
  const assets = join(root, 'assets');
  mkdirSync(join(folder, 'photos'), { recursive: true });
  copyFileSync(join(assets, 'efficientnet-lite0.onnx'), join(folder, 'model.onnx'));
  copyFileSync(join(assets, 'efficientnet-lite0.onnx.json'), join(folder, 'model.onnx.json'));
  copyFileSync(join(root, 'test/golden/detection/yolov8.onnx'), join(folder, 'yolov8n.onnx'));
  writeFileSync(join(folder, 'coco.txt'), 'person\nbicycle\ncar\n');
  await sharp(join(assets, 'pictures/cat.png')).resize(320).toFile(join(folder, 'photos/cat.jpg'));
  for (const name of ['cat.jpg', 'a.jpg', 'b.jpg', 'street.jpg', 'photo.jpg'])
    copyFileSync(join(folder, 'photos/cat.jpg'), join(folder, name));
});
afterAll(() => rmSync(places, { recursive: true, force: true }));

/** The files in a folder of its own: what one block writes is nothing that another one reads. */
function freshFolder(snippet: Snippet): string {
  const own = join(places, nameOf(snippet).replaceAll(/\W/g, '-'));
  cpSync(folder, own, { recursive: true });
  return own;
}

it('there are some of each kind', () => {
  expect(programs.length).toBeGreaterThan(8);
  expect(commands.length).toBeGreaterThan(4);
});

it.each(programs.map(snippet => [nameOf(snippet), snippet] as const))('%s leaves nothing out', (_, { code }) => {
  expect(code.replaceAll(/\/\/[^\n]*/g, '')).not.toContain('…');
});

it('programs compile', () => {
  const project = new UserProject('snippets-test');
  for (const { file, code } of modules) project.add(file, code);
  expect(project.check(modules.map(({ file }) => file))).toBe('');
  project.remove();
});

describe('programs run', () => {
  const shared: Record<string, unknown> = {};
  beforeAll(async () => {
    const cam = await main.load(join(folder, 'model.onnx'));
    const result = await cam.explain(join(folder, 'cat.jpg'));
    Object.assign(shared, { cam, result, signal: new AbortController().signal });
  });
  afterAll(async () => {
    process.chdir(root);
    await (shared.cam as main.Explainer).dispose();
  });

  const runnable = modules.filter(({ snippet }) => snippet.notRun === undefined);
  it.each(runnable.map(({ snippet, code }) => [nameOf(snippet), snippet, code] as const))(
    '%s',
    async (_, snippet, code) => {
      process.chdir(freshFolder(snippet));
      const made = await run(code, shared, packages);
      expect(Object.keys(made)).toEqual(madeBy(snippet));
      await (made.cam as main.Explainer | undefined)?.dispose();
    },
  );
});

describe('commands run', () => {
  const runnable = commands.filter(({ notRun }) => notRun === undefined);
  it.each(runnable.map(snippet => [nameOf(snippet), snippet] as const))('%s', (_, snippet) => {
    const lines = snippet.code.split('\n').filter(line => !OTHER_COMMANDS.test(line));
    // The command of this checkout instead of a published one.
    const npx = `npx() { shift; "${process.execPath}" "${join(root, 'dist/cli/main.js')}" "$@"; }`;
    const script = ['set -e', npx, ...lines].join('\n');
    const { status, stderr } = spawnSync('bash', ['-c', script], { cwd: freshFolder(snippet), encoding: 'utf8' });
    expect(status, stderr).toBe(0);
  });
});
