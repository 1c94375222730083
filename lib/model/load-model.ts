import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Tensor } from '../engine/tensor.ts';
import { OnnxCamError, throwIfAborted } from '../common/errors.ts';
import { agreesWithOriginal, withDynamicBatch } from './probe/batch.ts';
import { type ChosenLayer, chooseLayer } from './find/choose-layer.ts';
import { type Detector, findDetector, listsDetections } from './find/detector.ts';
import { readRange, resolveExternalData } from './file/external-data.ts';
import type { FactTable } from './graph/facts.ts';
import type { Graph } from './graph/graph.ts';
import { toHalfPrecision } from './rewrite/half-precision.ts';
import { inferShapes } from './probe/infer-shapes.ts';
import { describeInput, type ImageInput } from './find/input.ts';
import { type Layer, listLayers } from './find/layers.ts';
import { findLogits, type Logits } from './find/logits.ts';
import { lowerOperators } from './rewrite/lowering/lower.ts';
import { checkHeadScore, HEAD_SCORE, mergeHead } from './rewrite/merge-head.ts';
import { type ProbeOptions, probeFacts } from './probe/probe.ts';
import type { CreateSession } from './probe/probe-session.ts';
import { parseModel } from './file/read.ts';
import { jointLayer } from './find/scales.ts';
import { readSidecar, type Sidecar } from './file/sidecar.ts';

/** A model as everything else in the library sees it. */
export interface Model {
  /** Normalised; its batch is dynamic wherever that could be done. Clone before extending. */
  readonly graph: Graph;
  /** Facts of every tensor at the probed size. */
  readonly facts: FactTable;
  readonly input: ImageInput;
  /** Fixed tensors for the other inputs. */
  readonly fixedInputs: Readonly<Record<string, Tensor>>;
  readonly logits: Logits;
  readonly layers: readonly Layer[];
  /** The automatic layer; undefined when there is no spatial layer to choose. */
  readonly chosen: ChosenLayer | undefined;
  /** It computes in half precision, converted or by itself. */
  readonly half: boolean;
  readonly path: string | undefined;
  readonly sidecar: Sidecar;
  /** Facts for pictures of another size, for models that take any size. */
  factsFor(width: number, height: number, depth?: number): Promise<FactTable>;
  /** Logits of another output of the model. */
  logitsOf(output: string): Logits;
  /** True where the logits are one score per image that a graph of the user's makes of the model's outputs. */
  readonly scored: boolean;
  /**
   * The model with a scoring graph behind it.
   * @throws what reading a model throws, and see mergeHead
   */
  withHead(head: string | URL | Uint8Array): Promise<Model>;
  /** Hexadecimal SHA-256 of the model file; computed when first asked for, in slices that let the event loop turn. */
  sha256(): Promise<string>;
}

export interface LoadModelOptions {
  /** The engine: makes sessions for the probing runs. */
  readonly createSession: CreateSession;
  readonly input?: string;
  readonly output?: string;
  readonly inputs?: Readonly<Record<string, Tensor>>;
  /** [width, height] for models that take any size. */
  readonly size?: readonly [number, number];
  readonly signal?: AbortSignal;
  /** Converts the model to half precision. */
  readonly half?: boolean;
}

/**
 * Loads, checks, normalises and probes a model. Given bytes must not be changed while the model is in use: they are not
 * copied.
 * @throws OnnxCamError `ERR_MODEL_NOT_FOUND`, `ERR_MODEL_INVALID`, `ERR_MODEL_UNSUPPORTED`, `ERR_EXTERNAL_DATA`,
 * `ERR_OPTION_INVALID` (names of inputs and outputs, the JSON file beside the model), `ERR_RUNTIME`, `ERR_ABORTED`
 */
export async function loadModel(source: string | URL | Uint8Array, options: LoadModelOptions): Promise<Model> {
  const { createSession, signal } = options;
  const path = source instanceof Uint8Array ? undefined : pathOf(source);
  const { graph: original, bytes } = await readGraph(source, signal);
  const sidecar = path === undefined ? {} : await readSidecar(path);
  throwIfAborted(signal);

  const input = describeInput(original, { input: options.input ?? sidecar.input, inputs: options.inputs });
  const [width, height] = options.size ?? sizeOf(sidecar) ?? [];
  const wanted = options.output ?? sidecar.output;
  const probe: ProbeOptions = { input, inputs: options.inputs, width, height, signal };
  const { half = false } = options;
  const full = await settleBatch(original, wanted, createSession, probe);
  const model = await describeModel(full, { wanted, createSession, probe, half });
  let digest: Promise<string> | undefined;
  const whole = { path, sidecar, sha256: () => (digest ??= sha256(bytes)) };
  return {
    ...model,
    ...whole,
    withHead: async head => {
      const { graph } = await readGraph(head, undefined);
      const { output } = model.logits;
      const merged = await mergeHead(original, graph, { facts: full.facts, output, createSession });
      const settled = await settleBatch(merged, HEAD_SCORE, createSession, probe);
      const scored = await describeModel(settled, { wanted: HEAD_SCORE, createSession, probe, half });
      return { ...scored, ...whole, withHead: () => Promise.reject(new TypeError('the model has a scoring graph')) };
    },
  };
}

/** A file's graph with all its weights, from operators that the library knows. */
async function readGraph(source: string | URL | Uint8Array, signal: AbortSignal | undefined) {
  const path = source instanceof Uint8Array ? undefined : pathOf(source);
  const bytes = source instanceof Uint8Array ? source : await readModelFile(path!);
  throwIfAborted(signal);
  const parsed = parseModel(bytes);
  await resolveExternalData(parsed, path);
  return { graph: lowerOperators(parsed), bytes };
}

interface DescribeOptions {
  readonly wanted: string | undefined;
  readonly createSession: CreateSession;
  readonly probe: ProbeOptions;
  readonly half: boolean;
}

/** Everything about a model that does not depend on where it was read from. */
async function describeModel(
  full: Settled,
  { wanted, createSession, probe, half }: DescribeOptions,
): Promise<Omit<Model, 'path' | 'sidecar' | 'sha256' | 'withHead'>> {
  const scored = wanted === HEAD_SCORE;
  if (scored) checkHeadScore(full.graph, full.facts);
  const settled = half ? await halve(full, createSession, probe) : full;
  const { graph, facts } = settled;
  const detector = scored ? undefined : detectorOf(settled, wanted);
  const logits = scored ? headLogits(facts) : logitsOf(settled, wanted, detector);
  const layers = markJoint(listLayers(graph, facts, settled.input, logits), settled, detector);
  return {
    graph,
    facts,
    input: settled.input,
    fixedInputs: probe.inputs ?? {},
    logits,
    layers,
    chosen: layers.some(layer => layer.dominating || layer.joint) ? chooseLayer(layers) : undefined,
    half: graph.nodes.some(({ op, outputs }) => WEIGHTED.has(op) && facts.get(outputs[0]!)?.type === 'float16'),
    factsFor: (width, height, depth) =>
      probeFacts(graph, createSession, { ...probe, input: settled.input, width, height, depth }),
    logitsOf: output => findLogits(graph, facts, output),
    scored,
  };
}

/** The class scores; of a detector those of its candidates, not the boxes. */
function logitsOf({ graph, facts }: Settled, wanted: string | undefined, detector: Detector | undefined): Logits {
  const found = findLogits(graph, facts, wanted);
  return detector?.boxes.tensor === found.output ? findLogits(graph, facts, detector.output) : found;
}

/** The user's own score, as it is. */
function headLogits(facts: FactTable): Logits {
  const { dims } = facts.get(HEAD_SCORE)!;
  return {
    output: HEAD_SCORE,
    tensor: HEAD_SCORE,
    dims,
    classes: 1,
    classAxis: 1,
    spatial: false,
    kind: 'regression',
    reason: 'output of the scoring graph',
  };
}

/** The model in half precision, with the facts of its own tensors. */
async function halve({ graph, facts, input }: Settled, createSession: CreateSession, probe: ProbeOptions) {
  const half = await toHalfPrecision(graph, facts);
  try {
    return { graph: half, facts: await probeFacts(half, createSession, { ...probe, input }), input };
  } catch (error) {
    throw explain(error);
  }
}

/** Whose type is what a model computes in. */
const WEIGHTED: ReadonlySet<string> = new Set(['Conv', 'Gemm', 'MatMul']);

/** What the outputs are if they are surely those of a detector. */
function detectorOf({ graph, facts, input }: Settled, output: string | undefined): Detector | undefined {
  const detector = findDetector({ graph, facts, input, output });
  return detector?.certain ? detector : undefined;
}

function markJoint(
  layers: readonly Layer[],
  { graph, facts }: Settled,
  detector: Detector | undefined,
): readonly Layer[] {
  // What a suppression hands on is not in the order of resolutions.
  const joint = detector && !detector.labels ? jointLayer(layers, graph, facts, detector.scores) : undefined;
  return joint ? layers.map(layer => (layer === joint ? { ...layer, joint: true } : layer)) : layers;
}

interface Settled {
  readonly graph: Graph;
  readonly facts: FactTable;
  readonly input: ImageInput;
}

/**
 * Makes the batch dynamic where the model allows it, and fixed where it only claims to be dynamic: exporters write
 * either kind wrongly.
 */
async function settleBatch(
  graph: Graph,
  output: string | undefined,
  createSession: CreateSession,
  probe: ProbeOptions,
): Promise<Settled> {
  const { input } = probe;
  if (mixesImages(graph)) {
    // One scale for the whole batch: an image alone scores otherwise than among others.
  } else if (input.batch === undefined) {
    const facts = await attempt(() => probeFacts(graph, createSession, probe));
    if (facts && followsBatch({ graph, facts, input }, output)) return { graph, facts, input };
  } else if (input.batch === 1) {
    const dynamic = { ...input, batch: undefined };
    const inferred = await inferOrExplain(graph, createSession, probe);
    const settled = await attempt(async () => {
      const batched = withDynamicBatch(graph, inferred, input);
      const options = { ...probe, input: dynamic };
      const facts = await probeFacts(batched, createSession, options);
      const scores = followsBatch({ graph: batched, facts, input: dynamic }, output);
      const right = scores && (await agreesWithOriginal(graph, batched, scores, createSession, options));
      return right ? { graph: batched, facts, input: dynamic } : undefined;
    });
    if (settled) return settled;
  }
  const fixed = { ...input, batch: input.batch ?? 1 };
  try {
    return { graph, facts: await probeFacts(graph, createSession, { ...probe, input: fixed }), input: fixed };
  } catch (error) {
    throw explain(error);
  }
}

/** Activations quantised at run time get one scale for all images of a batch. */
function mixesImages(graph: Graph): boolean {
  return graph.nodes.some(({ op }) => op === 'DynamicQuantizeLinear');
}

/** The output with the scores, when the first size of the scores, and nothing else, follows the batch. */
function followsBatch(settled: Settled, wanted: string | undefined): string | undefined {
  const { graph, facts } = settled;
  // Detections in rows of their own are not told apart by image.
  if (wanted !== HEAD_SCORE && listsDetections(settled)) return undefined;
  const { dims, output } = findLogits(graph, facts, wanted);
  return dims[0] === -1 && !dims.slice(1).includes(-1) ? output : undefined;
}

/** How the runtime refuses a rewritten batch: while it loads the graph or in the run. */
const ATTEMPTED: ReadonlySet<string> = new Set(['ERR_RUNTIME', 'ERR_MODEL_INVALID', 'ERR_MODEL_UNSUPPORTED']);

/** undefined when the runtime cannot run it this way; everything else is thrown on. */
async function attempt<T>(task: () => Promise<T>): Promise<T | undefined> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof OnnxCamError && ATTEMPTED.has(error.code)) return undefined;
    throw error;
  }
}

async function inferOrExplain(graph: Graph, createSession: CreateSession, probe: ProbeOptions) {
  try {
    return await inferShapes(graph, createSession, probe, 1);
  } catch (error) {
    throw explain(error);
  }
}

/** ONNX Runtime's refusals of a model, as errors about the model. */
function explain(error: unknown): unknown {
  const text = (error as Error).message;
  if (error instanceof OnnxCamError && error.code !== 'ERR_RUNTIME') return error;
  if (
    /not a registered|No Op registered|NOT_IMPLEMENTED|Could not find an implementation|no (schema|kernel)/i.test(text)
  )
    return new OnnxCamError('ERR_MODEL_UNSUPPORTED', `ONNX Runtime does not know an operator of this model: ${text}`, {
      cause: error,
    });
  return new OnnxCamError('ERR_MODEL_INVALID', `ONNX Runtime cannot load or run this model: ${text}`, { cause: error });
}

function pathOf(source: string | URL): string {
  if (source instanceof URL || /^[a-z][a-z0-9+.-]+:\/\//i.test(source)) {
    const url = new URL(source);
    if (url.protocol !== 'file:')
      throw new OnnxCamError(
        'ERR_MODEL_NOT_FOUND',
        `models are read from files; "${url.protocol}" addresses are not fetched. Download the model, or pass its bytes`,
      );
    return fileURLToPath(url);
  }
  return source;
}

async function readModelFile(path: string): Promise<Uint8Array> {
  try {
    const info = await stat(path);
    if (!info.isFile())
      throw new OnnxCamError('ERR_MODEL_INVALID', `"${path}" is no file but a folder or device; give the .onnx file`);
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size >= 2 ** 31)
        throw new OnnxCamError(
          'ERR_MODEL_INVALID',
          `"${path}" has ${size} bytes; an ONNX file ends at 2 GiB (larger models keep weights in other files)`,
        );
      return await readRange(file, 0, size);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof OnnxCamError) throw error;
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new OnnxCamError(
      'ERR_MODEL_NOT_FOUND',
      missing
        ? `there is no model file "${path}"`
        : `the model file "${path}" cannot be read: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

function sizeOf({ preprocess }: Sidecar): readonly [number, number] | undefined {
  const size = typeof preprocess === 'object' ? preprocess.size : undefined;
  return Array.isArray(size) && size.length === 2 && size.every(Number.isInteger) ? [size[0], size[1]] : undefined;
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const SLICE = 2 ** 20;
  const hash = createHash('sha256');
  for (let offset = 0; offset < bytes.byteLength; offset += SLICE) {
    hash.update(bytes.subarray(offset, offset + SLICE));
    await nextTurn();
  }
  return hash.digest('hex');
}
