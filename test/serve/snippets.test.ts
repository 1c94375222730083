import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { asCommand } from '../../lib/serve/as-command.ts';
import { asProgram } from '../../lib/serve/as-program.ts';
import { readQuestion } from '../../lib/serve/question.ts';
import { readManifest } from '../cli/harness.ts';
import { UserProject } from '../helpers/user-project.ts';
import { BUNDLED, CAT } from './harness.ts';

const source = { path: 'net.onnx', args: [], load: {} };
const asked = (more: object) => readQuestion({ model: 'm', picture: 'p', method: 'grad-cam', ...more });

/** Targets of every kind that can be asked for, and further options. */
const QUESTIONS = [
  {},
  { target: '281' },
  { target: 'Egyptian cat' },
  { target: 'it\'s a "label", \\ and more' },
  { target: 'top3' },
  { target: 'top37' },
  { target: '281,282' },
  { target: 'contrast:281,negative:282' },
  { target: 'probability:281' },
  { target: 'logprobability:281' },
  { target: 'rest:tabby' },
  { target: 'binary:1' },
  { target: 'regression:3' },
  { target: 'segmentation:12' },
  { target: 'detection:17@10,20,30,40' },
  { target: 'detection:best' },
  { target: 'output=scores:top2' },
  { layer: '-1', technique: 'sess,smoothgrad', seed: 3 },
  { layer: '/features/0/Conv_output_0', technique: 'augmentation' },
];

test('as a command', () => {
  expect(asCommand(source, 'cat.png', asked({}))).toBe('npx onnx-cam explain net.onnx cat.png --method grad-cam');
  expect(
    asCommand(
      { ...source, args: ['--labels', "the cat's names.txt"] },
      '-rf $HOME.png',
      asked({ method: 'GradCAM', target: '-1', layer: '-2', technique: 'smoothgrad,sess', seed: 7 }),
    ),
  ).toBe(
    "npx onnx-cam explain net.onnx './-rf $HOME.png' --method grad-cam --target=-1 --layer=-2 --technique smooth-grad,sess --seed 7 --labels 'the cat'\\''s names.txt'",
  );
});

test('a shell gives the command the very words', () => {
  const target = '$(touch x) `touch y` \'a\' "b" \\ ; & | > z \n !';
  const command = asCommand({ ...source, path: '~/a b/$X.onnx' }, "it's {1,2} [a] #.png", asked({ target }));
  const print = 'process.stdout.write(JSON.stringify(process.argv.slice(1)))';
  const { stdout } = spawnSync('bash', ['-c', command.replace('npx', `"$NODE" -e '${print}' --`)], {
    encoding: 'utf8',
    env: { ...process.env, NODE: process.execPath },
  });
  const words = [
    'onnx-cam',
    'explain',
    '~/a b/$X.onnx',
    "it's {1,2} [a] #.png",
    '--method',
    'grad-cam',
    '--target',
    target,
  ];
  expect(JSON.parse(stdout)).toEqual(words);
});

test('as a program', () => {
  const load = { labels: 'names.txt' };
  expect(
    asProgram({ ...source, load }, 'cat.png', asked({ target: 'contrast:281,282', layer: 'r2' })),
  ).toBe(`import { load } from 'onnx-cam';
import { contrast } from 'onnx-cam/targets';

const cam = await load('net.onnx', { labels: 'names.txt' });
const map = await cam.explain('cat.png', { method: 'grad-cam', target: contrast(281, 282), layer: 'r2' });
console.log(map.target, map.status, map.warnings);
await map.toFile('cat-grad-cam.png');
await cam.dispose();
`);
});

let project: UserProject;
beforeAll(() => {
  project = new UserProject('served-programs');
}, 120_000);
afterAll(() => project.remove());

test('every program is one in the strictest settings', () => {
  const load = {
    preprocess: { mean: [0.5, 0.5, 0.5], size: [224, 224] as const, fit: 'crop' as const },
    executionProviders: ['cpu'],
    precision: 'fp32' as const,
    detector: false as const,
  };
  const names = QUESTIONS.map((question, i) => {
    project.add(`p${i}.ts`, asProgram({ path: "it's a\\b.onnx", args: [], load }, 'my cat.v2.png', asked(question)));
    return `p${i}.ts`;
  });
  expect(project.check(names)).toBe('');
});

test('command and program make what the page shows', () => {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-cam-served-'));
  try {
    copyFileSync(BUNDLED, join(folder, 'net.onnx'));
    copyFileSync(`${BUNDLED}.json`, join(folder, 'net.onnx.json'));
    copyFileSync(CAT, join(folder, 'cat.png'));
    const question = asked({ method: 'layer-cam', target: 'top2', layer: '-1' });
    const program = asProgram(source, 'cat.png', question)
      .replace("'onnx-cam'", `'${pathToFileURL(resolve('dist/index.js'))}'`)
      .replace("'onnx-cam/targets'", `'${pathToFileURL(resolve('dist/targets/index.js'))}'`);
    writeFileSync(join(folder, 'program.mjs'), program);
    const ran = spawnSync(process.execPath, ['program.mjs'], { cwd: folder, encoding: 'utf8' });
    expect(ran.stderr).toBe('');
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(['cat-layer-cam-0.png', 'cat-layer-cam-1.png']));
    const command = asCommand(source, 'cat.png', question).replace(
      'npx onnx-cam',
      `"$NODE" '${resolve('dist/cli/main.js')}'`,
    );
    const { status, stderr } = spawnSync('bash', ['-c', command], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, NODE: process.execPath },
    });
    expect({ status, stderr }).toMatchObject({ status: 0 });
    const [manifest] = readdirSync(folder, { recursive: true })
      .map(String)
      .filter(name => name.endsWith('manifest.jsonl'));
    const { results } = readManifest(join(folder, dirname(manifest!)));
    expect(results.map(({ target }: { target: { label: string } }) => target.label)).toEqual([
      'Egyptian cat',
      'tiger cat',
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
