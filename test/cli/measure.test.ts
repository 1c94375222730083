import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { formatNpy } from '../../lib/io/npy.ts';
import { fakeModel, runHere, temporaryFolder } from './harness.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

describe('measure', () => {
  const measurement = (metric: string, value: number | null) => ({
    metric,
    value,
    reason: value === null ? 'the truth is empty' : null,
    direction: 'lower' as const,
    unit: 'fraction' as const,
    params: {},
    score: 'probability',
    baseline: null,
    curve: null,
    details: {},
    runs: 1,
    status: 'ok' as const,
    warnings: metric === 'deletion' ? ['the map was stretched'] : [],
  });

  async function measure(argv: readonly string[]) {
    const calls: { image: unknown; options: Record<string, unknown> }[] = [];
    const model = fakeModel({
      measure: async (image, options) => {
        calls.push({ image, options: options as never });
        return options.maps.map((_, i) => ({
          deletion: measurement('deletion', 0.25 * (i + 1)),
          'pointing-game': measurement('pointing-game', null),
        }));
      },
    });
    const outcome = await runHere(['measure', 'model.onnx', ...argv], { library: { load: async () => model } });
    return { ...outcome, calls };
  }

  const npy = (name: string, dims: number[]) => {
    const path = join(folder, name);
    const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i);
    writeFileSync(path, Buffer.concat(formatNpy({ data, dims })));
    return path;
  };

  it('prints a table of metrics and maps', async () => {
    const [a, b] = [npy('a.npy', [2, 3]), npy('b.npy', [1, 1, 2, 3])];
    const { code, stdout, stderr, calls } = await measure(['cat.jpg', '--map', a, b]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^metric .*a\.npy +.*b\.npy +unit\ndeletion +↓ +0\.25 +0\.5 +fraction\npointing-game +↓ +– +–/,
    );
    expect(stdout).toContain('\npointing-game: the truth is empty');
    expect(stderr).toContain('stretched');
    expect(calls[0]).toMatchObject({
      image: 'cat.jpg',
      options: {
        maps: [
          { width: 3, height: 2 },
          { width: 3, height: 2 },
        ],
      },
    });
  });

  it('tells why a value says less than it seems to, and prints whole numbers whole', async () => {
    const model = fakeModel({
      measure: async () => [
        {
          road: { ...measurement('road', -0.25), reason: 'nothing kept' },
          'road-lerf': { ...measurement('road-lerf', -0.25), reason: 'nothing kept' },
          'effective-complexity': measurement('effective-complexity', 1048577),
        },
      ],
    });
    const argv = ['measure', 'model.onnx', 'cat.jpg', '--map', npy('a.npy', [2, 3])];
    const { stdout } = await runHere(argv, { library: { load: async () => model } });
    expect(stdout).toMatch(/^road +↓ +-0\.25 +fraction$/m);
    expect(stdout).toContain('\nroad, road-lerf: nothing kept\n');
    expect(stdout).toMatch(/ 1048577 /);
  });

  it('--json prints a line for each map and metric', async () => {
    const map = npy('a.npy', [2, 3]);
    const { stdout } = await measure(['cat.jpg', '--map', map, '--json']);
    const lines = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    expect(lines).toEqual([
      { input: 'cat.jpg', map, ...measurement('deletion', 0.25) },
      { input: 'cat.jpg', map, ...measurement('pointing-game', null) },
    ]);
  });

  it('hands its options on, and a tensor for a picture', async () => {
    const [map, input] = [npy('a.npy', [2, 3]), npy('input.npy', [3, 2, 3])];
    const { calls } = await measure([
      ...[input, '--map', map, '--metric', 'deletion,coherency', '--metric-param', 'deletion.steps=10', '-t', '281'],
      ...[
        '-m',
        'score-cam',
        '--param',
        'topK=4',
        '-l',
        'last',
        '--truth',
        'masks',
        '--seed',
        '3',
        '--convention',
        'quantus',
      ],
    ]);
    expect(calls[0]!.image).toMatchObject({ dims: [3, 2, 3], type: 'float32' });
    expect(calls[0]!.options).toMatchObject({
      metrics: [{ metric: 'deletion', params: { steps: 10 } }, 'coherency'],
      target: { kind: 'class', index: 281 },
      method: 'score-cam',
      params: { topK: 4 },
      layer: 'last',
      truth: 'masks',
      seed: 3,
      convention: 'quantus',
    });
  });

  it('refuses arrays that are no maps, and missing ones', async () => {
    const three = npy('three.npy', [3, 2, 3]);
    expect(await measure(['cat.jpg', '--map', three])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('ERR_INPUT_SHAPE'),
    });
    expect(await measure(['cat.jpg', '--map', join(folder, 'none.npy')])).toMatchObject({ code: 2 });
    expect(await measure(['cat.jpg'])).toMatchObject({ code: 2, stderr: expect.stringContaining('--map') });
    expect(await measure(['cat.jpg', '--map', npy('a.npy', [2, 3]), '--param', 'topK=3'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--method'),
    });
  });
});

it('metrics lists every metric, as JSON with its parameters', async () => {
  const table = await runHere(['metrics']);
  expect(table.code).toBe(0);
  expect(table.stdout).toMatch(/average-drop +confidence +↓ +scores/);
  expect(table.stdout).toContain('parameters (--json)');
  const json = JSON.parse((await runHere(['metrics', '--json'])).stdout);
  expect(json.find(({ name }: { name: string }) => name === 'average-drop')).toMatchObject({
    direction: 'lower',
    unit: 'fraction',
  });
});
