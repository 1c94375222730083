import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import * as library from '../../lib/index.ts';
import { plainSpec } from '../helpers/explain-models.ts';
import { buildModel } from '../helpers/model-builder.ts';
import { makePicture, type Outcome, readManifest, runHere, temporaryFolder } from './harness.ts';

/** Clears the screen, sets the window's title, turns the reading order round, begins a line of its own. */
const HOSTILE = '\x1b[2J\x1b]0;title\x07\x9b31m\u202e\u2028\nonnx-cam: forged';
const SHOWN = '\\u001b[2J\\u001b]0;title\\u0007\\u009b31m\\u202e\\u2028\\nonnx-cam: forged';
/** All of the kind but line breaks. */
const ACTS = /(?!\n)[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

let folder = '';
let model = '';
let picture = '';

/** The model whose every tensor and node has such a name. */
function hostileModel(): Uint8Array {
  const spec = plainSpec();
  const own = new Set([...spec.nodes.flatMap(({ outputs }) => outputs)].filter(name => name !== 'y'));
  const renamed = (name: string) => (own.has(name) ? `${name}${HOSTILE}` : name);
  const nodes = spec.nodes.map(node => ({
    ...node,
    name: `${node.name}${HOSTILE}`,
    inputs: node.inputs.map(renamed),
    outputs: node.outputs.map(renamed),
  }));
  return buildModel({ ...spec, nodes });
}

const run = (argv: readonly string[], terminals: ('stdout' | 'stderr')[] = []): Promise<Outcome> =>
  runHere(argv, { library, terminals });

function expectHarmless({ stdout, stderr }: Outcome): void {
  expect(stdout).not.toMatch(ACTS);
  expect(stderr).not.toMatch(ACTS);
  expect(stdout + stderr).not.toMatch(/^onnx-cam: forged/m);
}

beforeEach(async () => {
  folder = temporaryFolder();
  model = join(folder, `model${HOSTILE.replace('\n', '')}.onnx`);
  writeFileSync(model, hostileModel());
  const labels = Array.from({ length: 5 }, (_, index) => `label ${index} ${HOSTILE}`);
  writeFileSync(`${model}.json`, JSON.stringify({ labels }));
  picture = join(folder, `picture${HOSTILE}.png`);
  await makePicture(picture, 20, 16);
});

describe.skipIf(process.platform === 'win32')('names that would act on a terminal', () => {
  const out = () => join(folder, 'out\x1b[2J');

  it('of layers in a table and as JSON', async () => {
    const table = await run(['layers', model]);
    expect(table.code).toBe(0);
    expectHarmless(table);
    expect(table.stdout).toContain(`r1${SHOWN}`);
    // The columns stay in line.
    const columns = table.stdout
      .trimEnd()
      .split('\n')
      .map(line => line.search(/operator|Conv|Relu|Add/));
    expect(new Set(columns).size).toBe(1);
    const json = await run(['layers', model, '--json']);
    expectHarmless(json);
    expect(JSON.parse(json.stdout)[0].name).toContain(HOSTILE);
  });

  it('of files, layers and classes in results, JSON lines and the manifest', async () => {
    const outcome = await run(['explain', model, picture, '-o', out(), '--json']);
    expect(outcome.code).toBe(0);
    expectHarmless(outcome);
    expect(outcome.stderr).toContain(`picture${SHOWN}.png`);
    expect(outcome.stderr).toContain(`${SHOWN} [`);
    expect(outcome.stderr).toMatch(/label \d \\u001b/);
    const line = JSON.parse(outcome.stdout);
    expect(line.input).toBe(picture);
    expect(line.target.label).toContain(HOSTILE);
    const manifest = readFileSync(join(out(), 'manifest.jsonl'), 'utf8');
    expect(manifest).not.toMatch(ACTS);
    expect(readManifest(out()).results[0].target.label).toContain(HOSTILE);
  });

  it('in the progress bar', async () => {
    const { stderr } = await run(['explain', model, picture, '-o', out()], ['stderr']);
    // The bar hides the cursor, moves it and clears its line.
    const rest = stderr.replaceAll(/\p{Cc}\[(\?\d+[hl]|\d*[AGK]|0J)|\r/gu, '');
    expect(rest).not.toMatch(ACTS);
    expect(stderr).not.toMatch(/^onnx-cam: forged/m);
  });

  it.each([
    ['layers that nearly fit', ['-l', 'r3\x1b[2J']],
    ['classes that nearly fit', ['-t', 'label 1 \x1b[2J\n']],
    ['an option that is none', ['--\x1b[2J']],
    ['a method that is none', ['-m', 'grad\x1b[2J\ncam']],
  ])('in errors: %s', async (_, flags) => {
    for (const debug of [[], ['--debug']]) {
      const outcome = await run(['explain', model, picture, '-o', out(), ...flags, ...debug]);
      expect(outcome.code).toBe(2);
      expectHarmless(outcome);
      expect(outcome.stderr).toContain('\\u001b[2J');
    }
  });

  it('of files that are missing or no pictures, and of models', async () => {
    const text = join(folder, `text${HOSTILE}.png`);
    writeFileSync(text, 'no picture');
    const inputs = await run(['explain', model, `${picture}.none`, text, '-o', out(), '--json', '--debug']);
    expect(inputs.code).toBe(1);
    expectHarmless(inputs);
    expect(
      inputs.stdout
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line).input),
    ).toEqual([`${picture}.none`, text]);
    const missing = await run(['layers', `${model}.none`]);
    expect(missing.code).toBe(2);
    expectHarmless(missing);
  });
});
