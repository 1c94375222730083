import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { LoadedModel } from '../../lib/cli/library.ts';
import { OnnxCamError } from '../../lib/common/errors.ts';
import { EvaluationFiles } from '../../lib/evaluation/files.ts';
import type { EvaluationRow } from '../../lib/evaluation/rows.ts';
import { SummaryBuilder } from '../../lib/evaluation/summary.ts';
import type { EvaluateOptions, EvaluationRun, NamedTensor } from '../../lib/explain/evaluate-options.ts';
import { formatNpy } from '../../lib/io/npy.ts';
import type { LoadOptions } from '../../lib/options.ts';
import { fakeRow, METRICS } from './evaluation-rows.ts';
import { fakeModel, readJson, runHere, temporaryFolder } from './harness.ts';

let folder: string;
let out: string;

beforeEach(() => {
  folder = temporaryFolder();
  out = join(folder, 'out');
  mkdirSync(join(folder, 'photos'));
  for (const name of ['a', 'b', 'c'])
    writeFileSync(join(folder, `photos/${name}.jpg`), 'the fake model does not decode it');
});

interface Asked {
  readonly sources: (string | NamedTensor)[];
  options?: EvaluateOptions;
  loaded?: LoadOptions;
}

/** Two metrics of every method and the controls for each image; images called `bad` fail. */
function stand(asked: Asked): LoadedModel['evaluate'] {
  return (source, options) => {
    asked.options = options;
    const builder = new SummaryBuilder({ metrics: METRICS, seed: 0, resamples: 200 });
    const identity = { version: '1', model: 'hash', settings: {}, metrics: { 'average-drop': {}, insertion: {} } };
    let files: EvaluationFiles | undefined;
    async function* rows(): AsyncGenerator<EvaluationRow> {
      files = await EvaluationFiles.open(options.folder!, {
        run: identity,
        resume: options.resume,
        onRow: row => builder.add(row),
      });
      let index = 0;
      for await (const one of source) {
        asked.sources.push(one);
        if (options.signal?.aborted) throw new OnnxCamError('ERR_ABORTED', 'the operation was aborted');
        const image = typeof one === 'string' ? one : one.name;
        const made: EvaluationRow[] = image.includes('bad')
          ? [{ image, index, error: { code: 'ERR_IMAGE_INVALID', message: `${image} is no picture` } }]
          : makers(options).flatMap((method, m) =>
              METRICS.map(({ name }) => fakeRow(image, index, method, name, 0.1 * (m + 1) + 0.01 * index)),
            );
        const fresh = made.filter(row => 'error' in row || !files!.has(row));
        await files.write(fresh);
        for (const row of fresh) {
          builder.add(row);
          yield row;
        }
        index++;
      }
    }
    const iterator = rows();
    const provenance = { warnings: ['truth: a note'] } as never;
    return {
      [Symbol.asyncIterator]: () => iterator,
      summary: () => builder.summary(provenance),
      save: async () => {
        await files!.finish(await builder.summary(provenance));
        await files!.close();
        return { path: join(options.folder!, 'index.html'), warnings: ['the page is large'] };
      },
    } satisfies EvaluationRun;
  };
}

const makers = ({ methods = [], controls }: EvaluateOptions) => [
  ...methods.map(method => (typeof method === 'string' ? method : method.method)),
  ...(controls === false ? [] : ['random', 'constant']),
];

async function evaluate(argv: readonly string[], options: Parameters<typeof runHere>[1] = {}) {
  const asked: Asked = { sources: [] };
  const load = async (_: string, loaded: LoadOptions) => {
    asked.loaded = loaded;
    return fakeModel({ evaluate: stand(asked) });
  };
  const outcome = await runHere(['evaluate', 'model.onnx', ...argv, '-o', out], { ...options, library: { load } });
  return { ...outcome, asked };
}

describe('evaluate', () => {
  it('writes its files and prints a table: best value marked, arrows, intervals, controls below', async () => {
    const { code, stdout, stderr } = await evaluate([join(folder, 'photos'), '-m', 'grad-cam,layer-cam']);
    expect(code).toBe(0);
    expect(readdirSync(out).sort()).toEqual(['curves.json', 'metrics.csv', 'summary.json']);
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^method +average-drop ↓ % +insertion ↑$/);
    expect(lines[1]).toMatch(/^grad-cam +\*11\.0 \[10\.0, 12\.0\] +0\.110 \[0\.100, 0\.120\]$/);
    expect(lines[2]).toMatch(/^layer-cam +21\.0 \[.*\] +\*0\.210 \[/);
    expect(lines[3]).toMatch(/^random +31\.0/);
    expect(lines[4]).toMatch(/^constant +41\.0/);
    expect(stdout).toContain('over 3 images');
    expect(stdout).toContain('have not seen the model');
    expect(stderr).toContain('truth: a note');
    expect(stderr).toContain(`see ${join(out, 'index.html')}`);
    expect(stderr).toContain('the page is large');
    expect(readJson(join(out, 'summary.json')).metrics).toHaveLength(8);
  });

  it('takes what explain wrote for the inputs that it explained, of all parts', async () => {
    const explained = join(folder, 'explained');
    mkdirSync(explained);
    writeFileSync(join(explained, 'a.grad-cam.overlay.png'), 'no input');
    const part = (index: number, inputs: readonly string[]) => {
      const run = { versions: {}, model: 'model.onnx', sha256: null, options: {}, started: '' };
      const lines = inputs.flatMap(input => ['grad-cam', 'layer-cam'].map(method => ({ input, method })));
      const text = [{ run }, ...lines].map(line => `${JSON.stringify(line)}\n`).join('');
      writeFileSync(join(explained, `manifest-${index}of3.jsonl`), text);
    };
    const photo = (name: string) => join(folder, `photos/${name}.jpg`);
    part(0, [photo('b'), photo('gone')]);
    part(2, [photo('a'), 'inside.jpg']);
    writeFileSync(join(explained, 'inside.jpg'), 'an input that lies beside its results');
    const { code, stderr, asked } = await evaluate([explained, photo('c')]);
    expect(code).toBe(0);
    expect(asked.sources).toEqual([photo('c'), photo('a'), photo('b'), photo('gone'), join(explained, 'inside.jpg')]);
    expect(stderr).toContain(`${explained} is what explain wrote: taken are the 4 inputs that it explained`);
    expect(stderr).toContain('1 of 3 parts are not in');
    part(1, []);
    writeFileSync(join(explained, 'manifest-1of4.jsonl'), '');
    expect(await evaluate([explained])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/ERR_OPTION_INVALID: .* holds the manifests of different runs/),
    });
  });

  it('--json prints the rows, then the summary', async () => {
    const { code, stdout } = await evaluate([join(folder, 'photos'), '--json', '--no-controls']);
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    expect(lines).toHaveLength(7);
    expect(lines.slice(0, 6).map(({ image, metric }) => [image.slice(-5), metric])).toEqual(
      ['a', 'b', 'c'].flatMap(name => METRICS.map(metric => [`${name}.jpg`, metric.name])),
    );
    expect(lines[6].summary).toMatchObject({ images: 3, failed: 0 });
  });

  it('hands its options on', async () => {
    const { asked, code } = await evaluate([
      join(folder, 'photos'),
      ...[
        '-m',
        'score-cam,grad-cam',
        '--param',
        'topK=8',
        '-l',
        'auto',
        '-l',
        '-2',
        '-t',
        'label',
        '--truth',
        'boxes.csv',
      ],
      ...[
        '--metric',
        'AverageDrop,road',
        '--metric-param',
        'road.noise=0.01',
        '--metric-param',
        'ROAD.percentiles=20,50',
      ],
      ...[
        '--convention',
        'torchcam',
        '--only',
        'correct',
        '--limit',
        '2',
        '--seed',
        '7',
        '--pictures',
        '0',
        '--preset',
        'unit',
      ],
    ]);
    expect(code).toBe(0);
    expect(asked.loaded).toMatchObject({ preprocess: { preset: 'unit' } });
    const { signal, ...options } = asked.options!;
    expect(options).toEqual({
      methods: [{ method: 'score-cam', params: { topK: 8 } }, 'grad-cam'],
      layers: ['auto', -2],
      metrics: ['average-drop', { metric: 'road', params: { noise: 0.01, percentiles: [20, 50] } }],
      target: 'label',
      truth: 'boxes.csv',
      conventions: ['torchcam'],
      controls: true,
      only: 'correct',
      seed: 7,
      pictures: 0,
      folder: out,
    });
    expect(asked.sources.map(String)).toEqual(['a', 'b'].map(name => join(folder, `photos/${name}.jpg`)));
  });

  it('takes tensors, each image of several by itself', async () => {
    const path = join(folder, 'two.npy');
    writeFileSync(
      path,
      Buffer.concat(formatNpy({ data: Float32Array.from({ length: 24 }, (_, i) => i), dims: [2, 3, 2, 2] })),
    );
    const { asked, code } = await evaluate([path]);
    expect(code).toBe(0);
    const [, second] = asked.sources as NamedTensor[];
    expect(second).toMatchObject({ name: `${path}[1]`, tensor: { dims: [1, 3, 2, 2], type: 'float32' } });
    expect(second!.tensor.data[0]).toBe(12);
  });

  it('goes on after pictures that fail, names them, and says so by its code', async () => {
    writeFileSync(join(folder, 'photos/bad.jpg'), '');
    const { code, stderr, stdout } = await evaluate([join(folder, 'photos'), '--json']);
    expect(code).toBe(1);
    expect(stderr).toContain('ERR_IMAGE_INVALID');
    expect(stderr).toContain('1 of 4 inputs failed');
    expect(stdout).toContain('"error":{"code":"ERR_IMAGE_INVALID"');
    expect(readFileSync(join(out, 'metrics.csv'), 'utf8')).toContain('bad.jpg');
  });

  it('--resume does what is missing, with the whole summary', async () => {
    await evaluate([join(folder, 'photos/a.jpg')]);
    const before = readFileSync(join(out, 'metrics.csv'), 'utf8');
    const { stdout, code } = await evaluate([join(folder, 'photos'), '--resume', '--json']);
    expect(code).toBe(0);
    expect(stdout).not.toContain(`"image":"${join(folder, 'photos/a.jpg')}`);
    expect(JSON.parse(stdout.trim().split('\n').at(-1)!).summary.images).toBe(3);
    expect(readFileSync(join(out, 'metrics.csv'), 'utf8').startsWith(before)).toBe(true);
  });

  it('ends with 130 when it is interrupted', async () => {
    const controller = new AbortController();
    controller.abort();
    const { code, stderr } = await evaluate([join(folder, 'photos')], { signal: controller.signal });
    expect(code).toBe(130);
    expect(stderr).toContain('--resume');
  });

  it('has a progress bar on a terminal', async () => {
    const { stderr } = await evaluate([join(folder, 'photos')], { terminals: ['stderr'] });
    // The cursor is hidden while there is one.
    expect(stderr).toContain('\u001b[?25l');
    expect((await evaluate([join(folder, 'photos')])).stderr).not.toContain('\u001b');
  });

  it.each([
    [['--metric', 'nothing'], 'ERR_METRIC_UNKNOWN'],
    [['--metric', 'deletion', '--metric-param', 'road.noise=0'], 'road'],
    [['--metric-param', 'road=0'], 'METRIC.NAME=VALUE'],
    [['--param', 'topK=3'], 'topK'],
    [['-t', 'label'], '--truth'],
    [['--only', 'correct'], '--truth'],
    [['-m', 'nothing'], 'ERR_METHOD_UNKNOWN'],
    [['--limit', '0'], 'at least 1'],
    [['--pictures', '-1'], 'at least 0'],
  ])('%s is refused before anything is done', async (argv, says) => {
    const { code, stderr, asked } = await evaluate([join(folder, 'photos'), ...argv]);
    expect(code).toBe(2);
    expect(stderr).toContain(says);
    expect(asked.options).toBeUndefined();
    expect(readdirSync(folder)).toEqual(['photos']);
  });

  it('--metric all leaves out what has no truth', async () => {
    const { asked, stderr } = await evaluate([join(folder, 'photos'), '--metric', 'all']);
    expect(asked.options!.metrics).toContain('coherency');
    expect(asked.options!.metrics).not.toContain('pointing-game');
    expect(stderr).toMatch(/left out: .*pointing-game.*--truth/);
  });

  it('with parameters alone measures what there is a truth for, too', async () => {
    const argv = [join(folder, 'photos'), '--metric-param', 'deletion.steps=5'];
    const { asked } = await evaluate([...argv, '--truth', 'boxes.csv']);
    expect(asked.options!.metrics).toContain('pointing-game');
    expect(asked.options!.metrics).toContainEqual({ metric: 'deletion', params: { steps: 5 } });
    expect((await evaluate(argv)).asked.options!.metrics).not.toContain('pointing-game');
  });
});
