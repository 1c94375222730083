import { copyFileSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { Tensor } from '../../lib/engine/tensor.ts';
import { Explanation, load, OnnxCamError } from '../../lib/index.ts';
import type { ExplainOptions, LoadOptions } from '../../lib/options.ts';
import type { Prediction } from '../../lib/result/explanation-fields.ts';
import * as targets from '../../lib/targets/index.ts';
import { runHere, temporaryFolder } from '../cli/harness.ts';
import { type Check, folderOf, readTensor } from './case-files.ts';

/** A result, or of the command the map that it wrote. */
export type GivenResult = Explanation | { readonly raw: Pick<Tensor, 'data' | 'dims'> };

/** What a check gave. */
export interface Outcome {
  readonly error?: unknown;
  readonly results?: readonly GivenResult[];
  readonly predictions?: readonly Prediction[];
  readonly layers?: readonly { readonly name: string; readonly chosen: boolean }[];
  readonly cpu?: { readonly own: number; readonly plain: number };
  readonly exit?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly lines?: readonly unknown[];
}

export async function runCheck(check: Check): Promise<Outcome> {
  return check.cli ? runCommand(check) : callLibrary(check);
}

const inputOf = (dir: string, name: string) => (name.endsWith('.npy') ? readTensor(join(dir, name)) : join(dir, name));

const tensorsOf = (dir: string, names: Readonly<Record<string, string>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(names).map(([name, file]) => [name, readTensor(join(dir, file))]));

const MAKERS = new Map(Object.entries(targets) as unknown as [string, (...given: unknown[]) => unknown][]);

/** { detection: {…} } is detection({…}), { similarity: FILE } takes the file, { list: [a, b] } an array of targets. */
function targetOf(dir: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const [[name, argument]] = Object.entries(value) as [[string, never]];
  switch (name) {
    case 'list':
      return (argument as unknown[]).map(one => targetOf(dir, one));
    case 'graph':
      return targets.graph(join(dir, argument));
    case 'similarity':
      return targets.similarity(inputOf(dir, argument) as never);
    case 'output':
      return targets.output(argument[0], targetOf(dir, argument[1]) as never);
    default: {
      const make = MAKERS.get(name)!;
      return make(...(Array.isArray(argument) ? argument : [argument]));
    }
  }
}

/** The folder's own model, or a copy without what lies beside it. */
function placeModel(check: Check): string {
  const dir = folderOf(check);
  if (!check.alone && !check.beside) return join(dir, check.model!);
  const path = join(temporaryFolder(), basename(check.model!));
  copyFileSync(join(dir, check.model!), path);
  for (const name of check.files ?? []) copyFileSync(join(dir, name), join(path, '..', basename(name)));
  if (check.beside) writeFileSync(`${path}.json`, JSON.stringify(check.beside));
  return path;
}

async function callLibrary(check: Check): Promise<Outcome> {
  const dir = folderOf(check);
  const { labels, ...others } = (check.load ?? {}) as LoadOptions;
  const options: LoadOptions = {
    ...others,
    ...(labels !== undefined && { labels: typeof labels === 'string' ? join(dir, labels) : labels }),
    ...(check.fixed && { inputs: tensorsOf(dir, check.fixed) }),
  };
  const path = placeModel(check);
  try {
    if (check.call === 'sizes') return await timeSizes(path, options, check.sizes!);
    const cam = await load(path, options);
    try {
      if (check.call === 'load') return {};
      if (check.call === 'layers') return { layers: cam.layers() };
      const given = check.input!;
      const input = typeof given === 'string' ? inputOf(dir, given) : given.map(name => inputOf(dir, name));
      const call = { ...check.explain } as Record<string, unknown>;
      if ('target' in call) call.target = targetOf(dir, call.target);
      if (check.perCall) call.inputs = tensorsOf(dir, check.perCall);
      if (check.call === 'predict') return { predictions: await cam.predict(input as never, call) };
      const results = await cam.explain(input as never, call as ExplainOptions);
      return { results: [results].flat(9) as unknown as Explanation[] };
    } finally {
      await cam.dispose();
    }
  } catch (error) {
    return { error };
  }
}

/** CPU seconds for each picture of a size that was not seen before: the library, and ONNX Runtime alone. */
async function timeSizes(path: string, options: LoadOptions, sizes: NonNullable<Check['sizes']>): Promise<Outcome> {
  const image = ([w, h]: readonly [number, number]): Tensor<'float32'> => ({
    type: 'float32',
    data: new Float32Array(3 * w * h).fill(0.4),
    dims: [1, 3, h, w],
  });
  const measure = async (run: (image: Tensor<'float32'>) => Promise<unknown>) => {
    await run(image([64, 64]));
    const start = process.cpuUsage();
    for (const size of sizes) await run(image(size));
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6 / sizes.length;
  };
  const session = await InferenceSession.create(path);
  const plain = await measure(({ type, data, dims }) => session.run({ x: new OrtTensor(type, data, dims) }));
  await session.release();
  const cam = await load(path, options);
  const own = await measure(x => cam.explain(x, { target: 1 }));
  await cam.dispose();
  return { cpu: { own, plain } };
}

/** Names of the check's files become paths: the test does not change the working directory. */
async function runCommand(check: Check): Promise<Outcome> {
  const out = join(temporaryFolder(), 'out');
  const dir =
    check.alone || check.beside ? join(placeModel({ ...check, model: check.cli![1]! }), '..') : folderOf(check);
  const argv = check.cli!.map(argument => {
    const [, name = '', file = argument] = /^(\w+=)?(.*)$/.exec(argument)!;
    return existsSync(join(dir, file)) ? name + join(dir, file) : argument;
  });
  if (argv[0] === 'explain') argv.push('-o', out);
  const { code, stdout, stderr } = await runHere(argv, { library: { load } as never });
  const written = existsSync(out) ? readdirSync(out).filter(name => name.endsWith('.raw.npy')) : [];
  return {
    exit: code,
    stdout,
    stderr,
    lines: stdout.split('\n').flatMap(jsonOf),
    results: written.sort().map(name => ({ raw: readTensor(join(out, name)) })),
  };
}

/** A line of JSON; other lines are for people. */
function jsonOf(line: string): unknown[] {
  try {
    return /^[[{]/.test(line) ? [JSON.parse(line)] : [];
  } catch {
    return [];
  }
}

export const isCoded = (error: unknown): error is OnnxCamError =>
  error instanceof OnnxCamError && /^ERR_[A-Z_]+$/.test(error.code);

export const isExplanation = (result: GivenResult): result is Explanation => result instanceof Explanation;
