import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { OnnxCamError } from '../../lib/common/errors.ts';
import { METHODS } from '../../lib/methods/registry.ts';
import type { LoadOptions } from '../../lib/options.ts';
import { catFolder, type FakeCall, fakeModel, runHere } from './harness.ts';

let out: string;
let picture: string;

beforeEach(() => {
  ({ out, picture } = catFolder());
});

const explain = (argv: readonly string[], options: Parameters<typeof runHere>[1] = {}) =>
  runHere(['explain', 'model.onnx', ...argv, '-o', out], options);

/** The options that reach `load` and `explain` for a command line. */
async function optionsOf(...argv: string[]) {
  const calls: FakeCall[] = [];
  let loaded: LoadOptions | undefined;
  const loading = async (_: string, options: LoadOptions) => {
    loaded = options;
    return fakeModel({}, calls);
  };
  const { code, stderr } = await explain([picture, ...argv], { library: { load: loading } });
  expect(stderr).not.toContain('ERR_');
  expect(code).toBe(0);
  const { signal, onProgress, ...options } = calls[0]!.options;
  const { signal: ofLoad, ...load } = loaded!;
  expect(ofLoad).toBe(signal);
  return { load, explain: options };
}

describe('options', () => {
  it('have the documented defaults', async () => {
    expect(await optionsOf()).toEqual({
      load: {},
      explain: { methods: ['grad-cam'], params: {}, target: { kind: 'rank', rank: 0 }, mapSize: { max: 1024 } },
    });
  });

  it('-t is repeated for several targets, which are those of every image', async () => {
    const index = (i: number) => ({ kind: 'class', index: i });
    expect((await optionsOf('-t', '281')).explain.target).toEqual(index(281));
    expect((await optionsOf('-t', '281', '-t', 'tabby, tabby cat')).explain.target).toEqual([
      [index(281), { kind: 'label', label: 'tabby, tabby cat' }],
    ]);
    expect((await optionsOf('-t', '967, 968')).explain.target).toEqual([[index(967), index(968)]]);
    expect((await optionsOf('-t', '1, 2nd')).explain.target).toEqual({ kind: 'label', label: '1, 2nd' });
    rmSync(out, { recursive: true });
    const { code } = await explain([picture, '-t', '967,968', '-t', '967', '-t', 'top2', '--save', 'map']);
    expect(code).toBe(0);
    const maps = readdirSync(out).filter(name => name.endsWith('.map.npy'));
    expect(maps.sort()).toEqual(
      ['t280', 't281', 't967-2', 't967', 't968'].map(target => `cat.${target}.grad-cam.map.npy`),
    );
  });

  it('--quality is of jpeg and webp', async () => {
    const sizes: number[] = [];
    for (const quality of ['5', '95']) {
      expect((await explain([picture, '--save', 'overlay', '--format', 'jpeg', '--quality', quality])).code).toBe(0);
      sizes.push(statSync(join(out, 'cat.grad-cam.overlay.jpg')).size);
    }
    expect(sizes[0]).toBeLessThan(sizes[1]!);
    for (const argv of [
      ['--quality', '80'],
      ['--quality', '0', '--format', 'webp'],
      ['--quality', '101', '--format', 'webp'],
      ['--quality', 'high', '--format', 'webp'],
    ]) {
      const { code, stderr } = await explain([picture, ...argv]);
      expect(code).toBe(2);
      expect(stderr).toMatch(/ERR_USAGE.*(jpeg|1 to 100)/s);
    }
  });

  it('reach the model', async () => {
    const { load } = await optionsOf(
      ...'--mean 0.5,-1,0 --std 1,2,3 --fit crop --size 320x240 --labels names.txt'.split(' '),
      ...'--provider cuda --provider cpu --precision fp16 --threads 3'.split(' '),
      ...'--limit-input-pixels 1000000 --decode fast --scoring-precision int8'.split(' '),
    );
    expect(load).toEqual({
      executionProviders: ['cuda', 'cpu'],
      intraOpNumThreads: 3,
      precision: 'fp16',
      scoringPrecision: 'int8',
      labels: 'names.txt',
      limitInputPixels: 1_000_000,
      decode: 'fast',
      preprocess: { mean: [0.5, -1, 0], std: [1, 2, 3], fit: 'crop', size: [320, 240] },
    });
    expect((await optionsOf('--max-size', '300')).explain).toMatchObject({ mapSize: { max: 300 } });
    expect((await optionsOf('--max-size', 'none')).explain).not.toHaveProperty('mapSize');
    expect((await optionsOf('--preset', 'inception')).load).toEqual({ preprocess: { preset: 'inception' } });
  });

  it('reach every explanation', async () => {
    const { explain } = await optionsOf(
      ...'-m fem,layercam,FEM --convention torchcam --fusion product --batch-size 4 --seed 7 --param k=3 --param relu=false'.split(
        ' ',
      ),
      ...'-l -1 -l stem -t contrast:281,282'.split(' '),
    );
    expect(explain).toMatchObject({
      methods: ['fem', 'layer-cam'],
      params: { k: 3, relu: false },
      convention: 'torchcam',
      fusion: 'product',
      batchSize: 4,
      seed: 7,
      layer: [-1, 'stem'],
      target: { kind: 'weighted', as: 'contrast' },
    });
  });

  it('carry techniques, the first innermost, with their parameters', async () => {
    const { explain: options } = await optionsOf(
      ...'--technique aug-smooth,sess --technique-param sess.scales=6 --technique-param sess.smooth=false'.split(' '),
    );
    expect(options.technique).toEqual([
      { name: 'augmentation', params: {} },
      { name: 'sess', params: { scales: 6, smooth: false } },
    ]);
    expect((await explain([picture, '--technique', 'nothing'])).stderr).toContain("there is no technique 'nothing'");
    const other = await explain([picture, '--technique', 'sess', '--technique-param', 'cameras.filter=true']);
    expect(other.code).toBe(2);
    expect(other.stderr).toContain('cameras is none of those that --technique names');
  });

  it('take one layer as it is', async () => {
    expect((await optionsOf('--layer', 'stages')).explain.layer).toBe('stages');
  });

  it.each([
    [['--nonsense'], /ERR_USAGE: unknown option '--nonsense'/],
    [['--methd', 'fem'], /ERR_USAGE: .*Did you mean --method/],
    [['--save', 'map,pixels'], /ERR_USAGE: .*'pixels'/],
    [['--size', '224'], /ERR_USAGE: .*WIDTHxHEIGHT/],
    [['--range', '5,5'], /ERR_USAGE: .*two different numbers/],
    [['--mean', '1,x,3'], /ERR_USAGE: .*numbers/],
    [['--threads', '0'], /ERR_USAGE: .*at least 1/],
    [['--seed', '-1'], /ERR_USAGE/],
    [['--limit-input-pixels', '-1'], /ERR_USAGE/],
    [['--decode', 'quick'], /ERR_USAGE: .*exact, fast/],
    [['--batch-size', '1.5'], /ERR_USAGE/],
    [['--convention', 'captum'], /ERR_USAGE: .*pytorch-grad-cam/],
    [['--fusion', 'sum'], /ERR_USAGE: .*tanh-max/],
    [['--precision', 'int8'], /ERR_USAGE/],
    [['--preset', 'unit', '--mean', '1,2,3'], /ERR_USAGE: .*cannot be used with/],
    [['--param', 'k'], /ERR_USAGE: .*name=value/],
    [['-m', 'fem,'], /ERR_USAGE/],
    [['-o', ''], /ERR_USAGE: .*--out.*expected a folder/],
    [['-m', 'grad-kam'], /ERR_METHOD_UNKNOWN: .*grad-cam/],
    [['-t', 'contrast:1'], /ERR_OPTION_INVALID: contrast/],
  ])('%j are refused with exit 2 before anything is done', async (argv, message) => {
    const { code, stdout, stderr } = await explain([picture, ...argv]);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(existsSync(out)).toBe(false);
  });
});

describe('-m all', () => {
  it('is every method of one forward and backward pass that the model can do; the others are named', async () => {
    const calls: FakeCall[] = [];
    const unsupported = () => new Map([['cam', new OnnxCamError('ERR_METHOD_UNSUPPORTED', 'cam needs a classifier')]]);
    const { code, stderr } = await explain([picture, '-m', 'all', '--save', 'map'], {
      library: { load: async () => fakeModel({ unsupported }, calls) },
    });
    expect(code).toBe(0);
    const cheap = METHODS.filter(({ cost }) => ['1F', '1F + 1B'].includes(cost)).map(({ name }) => name);
    expect(calls[0]!.options.methods).toEqual(cheap.filter(name => name !== 'cam'));
    expect(stderr).toContain('left out: cam: cam needs a classifier\n');
    for (const { name } of METHODS.filter(method => !cheap.includes(method.name)))
      expect(stderr).toContain(`left out: ${name}: `);
  });

  it('fails where a method was named outright that the model cannot do', async () => {
    const unsupported = () => new Map([['cam', new OnnxCamError('ERR_METHOD_UNSUPPORTED', 'no classifier')]]);
    const outcome = await explain([picture, '-m', 'all,cam'], {
      library: { load: async () => fakeModel({ unsupported }) },
    });
    expect(outcome).toEqual({ code: 2, stdout: '', stderr: 'onnx-cam: ERR_METHOD_UNSUPPORTED: no classifier\n' });
    expect(existsSync(out)).toBe(false);
  });

  it('fails where no method is left', async () => {
    const error = new OnnxCamError('ERR_LAYER_NOT_FOUND', 'no such layer');
    const unsupported = (methods: readonly string[]) => new Map(methods.map(method => [method, error]));
    const { code, stderr } = await explain([picture, '-m', 'all'], {
      library: { load: async () => fakeModel({ unsupported }) },
    });
    expect({ code, stderr }).toEqual({ code: 2, stderr: 'onnx-cam: ERR_LAYER_NOT_FOUND: no such layer\n' });
  });
});
