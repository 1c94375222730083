import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import sharp from 'sharp';
import { expect, onTestFinished } from 'vitest';
import type { FileImage, Library, LoadedModel } from '../../lib/cli/library.ts';
import { runCommandLine } from '../../lib/cli/program.ts';
import { Console } from '../../lib/cli/tell/console.ts';
import type { ExplainResult } from '../../lib/explain/result-type.ts';
import { listMethods } from '../../lib/methods/list.ts';
import { listMetrics } from '../../lib/metrics/list.ts';
import type { ExplainOptions } from '../../lib/options.ts';
import { Explanation } from '../../lib/result/explanation.ts';
import type { ExplanationFields } from '../../lib/result/explanation-fields.ts';
import { listTechniques } from '../../lib/techniques/list.ts';
import { noise } from '../helpers/model-builder.ts';

/** A folder of its own for one test, removed afterwards. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-cam-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Makes such a folder the working one for the test. */
export function workInTemporaryFolder(): void {
  const before = process.cwd();
  process.chdir(temporaryFolder());
  onTestFinished(() => process.chdir(before));
}

/** A folder with a picture for fake models, which do not decode it, and the folder of results in it. */
export function catFolder(): { folder: string; out: string; picture: string } {
  const folder = temporaryFolder();
  const picture = join(folder, 'cat.png');
  writeFileSync(picture, 'the fake model does not decode it');
  return { folder, out: join(folder, 'out'), picture };
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process, with a library of the test's choice. */
export async function runHere(
  argv: readonly string[],
  options: { library?: Partial<Library>; signal?: AbortSignal; terminals?: ('stdout' | 'stderr')[] } = {},
): Promise<Outcome> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()] as const;
  const text = { stdout: '', stderr: '' };
  stdout.on('data', chunk => (text.stdout += chunk));
  stderr.on('data', chunk => (text.stderr += chunk));
  const terminal = { isTTY: true, columns: 120, cursorTo() {}, clearLine() {}, moveCursor() {}, clearScreenDown() {} };
  for (const name of options.terminals ?? []) Object.assign({ stdout, stderr }[name], terminal);
  const code = await runCommandLine(argv, {
    console: new Console(stdout as never, stderr as never),
    library: async () => ({
      listMethods,
      listMetrics,
      listTechniques,
      load: async () => fakeModel(),
      ...options.library,
    }),
    signal: options.signal ?? new AbortController().signal,
  });
  return { code, ...text };
}

export interface FakeCall {
  readonly image: FileImage;
  readonly options: ExplainOptions;
}

/** A model that explains everything at once; `explain` replaces what a picture gives. */
export function fakeModel(overrides: Partial<LoadedModel> = {}, calls: FakeCall[] = []): LoadedModel {
  return {
    explain: async (image, options) => {
      calls.push({ image, options });
      const tensors = typeof image === 'string' || image instanceof File ? [] : image;
      const counts = tensors.map(({ dims }) => (dims.length > 3 ? dims[0]! : 1));
      type Asked = { readonly kind: string; readonly k?: number; readonly index?: number };
      const perTarget = (method: string, { kind, k, index = 281 }: Asked): ExplainResult =>
        kind === 'top'
          ? Array.from({ length: k! }, (_, rank) => fakeExplanation({ method, target: fakeTarget(280 + rank) }))
          : fakeExplanation({ method, target: fakeTarget(index) });
      const target = options.target as Asked | readonly [readonly Asked[]];
      const perMethod = (method: string): ExplainResult =>
        'kind' in target ? perTarget(method, target) : target[0].map(one => perTarget(method, one));
      const perImage = (): ExplainResult => options.methods!.map(perMethod);
      return counts.length > 0 ? Array.from({ length: counts[0]! }, perImage) : perImage();
    },
    layers: () => [
      { name: 'stem', node: 'Relu_0', operator: 'Relu', shape: [1, 8, 16, 16], chosen: false, reason: null },
      { name: 'last', node: 'Relu_1', operator: 'Relu', shape: [1, 32, 7, 7], chosen: true, reason: 'the last one' },
    ],
    unsupported: () => new Map(),
    sha256: async () => 'the hash',
    concurrency: 2,
    dispose: async () => {},
    ...overrides,
  } as LoadedModel;
}

const fakeTarget = (index: number) => ({
  index,
  label: `class ${index}`,
  score: 5.5,
  probability: 0.25,
  kind: 'class',
});

/** Two by one pixels, map 0 and 1. */
export function fakeExplanation(fields: Partial<ExplanationFields> = {}): Explanation {
  return new Explanation(
    {
      map: { data: Float32Array.of(0, 1), width: 2, height: 1 },
      raw: { data: Float32Array.of(-3, 4), dims: [1, 2], width: 2, height: 1 },
      target: fakeTarget(281),
      predictions: [fakeTarget(281)],
      layer: { name: 'last', shape: [1, 32, 7, 7], reason: 'the last one' },
      method: 'grad-cam',
      convention: 'paper',
      fusion: null,
      params: {},
      technique: null,
      concepts: null,
      preprocess: null,
      precision: 'fp32',
      cleanScoreMoved: null,
      status: 'ok',
      reason: null,
      warnings: [],
      timings: { preprocess: 1, model: 2, method: 3, postprocess: 4, total: 10 },
      runs: { network: 1, tail: 0, saved: 0 },
      ...fields,
    },
    {
      values: {
        range: async () => [-3, 4],
        within: async () => ({ data: Float32Array.of(0, 1), width: 2, height: 1 }),
      },
      atInput: null,
      picture: async () => ({
        picture: { data: Buffer.from([0, 0, 0, 255, 255, 255]), info: { width: 2, height: 1, channels: 3 } },
        spare: true,
      }),
    },
  );
}

export function readJson(path: string) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** A manifest: what the run was, and a line for each result. */
export function readManifest(folder: string, name = 'manifest.jsonl') {
  const [head, ...lines] = readFileSync(join(folder, name), 'utf8').trimEnd().split('\n');
  return { ...JSON.parse(head!), results: lines.map(line => JSON.parse(line)) };
}

/** Noise, so that its PNG does not shrink. */
export async function makePicture(path: string, width: number, height: number): Promise<void> {
  const { data } = noise([height, width, 3], 5, 127);
  const pixels = Uint8Array.from(data, value => value + 128);
  await sharp(pixels, { raw: { width, height, channels: 3 } }).toFile(path);
}

/** Every file is whole: what is listed exists, and no temporary file is left. */
export function expectWhole(out: string): void {
  expect(readdirSync(out).filter(name => name.endsWith('.tmp'))).toEqual([]);
  for (const { files } of readManifest(out).results)
    for (const name of Object.values<string>(files ?? {})) expect(readdirSync(out)).toContain(name);
}
