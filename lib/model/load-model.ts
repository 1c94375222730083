import { OnnxCamError, throwIfAborted } from '../common/errors.ts';
import { isUint8Array } from '../common/kinds.ts';
import { breathe } from '../common/slices.ts';
import type { Tensor } from '../engine/tensor.ts';
import { type DetectionFormat, parseDetectorOption } from '../targets/detection.ts';
import { resolveExternalData } from './file/external-data.ts';
import { readHuggingFace, type Source } from './file/hugging-face.ts';
import { readMetadataLabels } from './file/metadata-labels.ts';
import { pathOf, readModelFile, sha256, sizeOf } from './file/model-file.ts';
import { parseModel } from './file/parse-model.ts';
import { readInputsBeside, readSidecar, type Sidecar } from './file/sidecar.ts';
import { readUltralytics } from './file/ultralytics.ts';
import type { ChosenLayer } from './find/choose-layer.ts';
import { ownClassNames } from './find/class-names.ts';
import { type Detector, findDetector } from './find/detector.ts';
import { describeInput, type ImageInput, missingInputs, needsInputs } from './find/input.ts';
import type { Layer } from './find/layers.ts';
import { type LayersOfOutput, layersOfOutput } from './find/layers-of-output.ts';
import { findLogits, type Logits, type LogitsContext } from './find/logits.ts';
import { withoutExplanation } from './graph/exported.ts';
import type { FactTable } from './graph/facts.ts';
import type { Graph } from './graph/graph.ts';
import type { DeclaredValue } from './graph/value-info.ts';
import { notesOf } from './mixed-batch.ts';
import { placeholders } from './probe/placeholders.ts';
import { type ProbeOptions, probeFacts } from './probe/probe-facts.ts';
import type { CreateSession } from './probe/probe-session.ts';
import { DEFAULT_SIZE } from './probe/probing-feeds.ts';
import { brokenAssumption, type Resolved, resolveControlFlow } from './rewrite/control-flow/resolve.ts';
import type { Assumption } from './rewrite/control-flow/writer.ts';
import { withExplicitSqueezes } from './rewrite/explicit-squeeze.ts';
import { toHalfPrecision } from './rewrite/half-precision.ts';
import { lowerInTurns } from './rewrite/lowering/lower.ts';
import { checkHeadScore, HEAD_SCORE, mergeHead } from './rewrite/merge-head.ts';
import { adaptPictureInput } from './rewrite/picture-input.ts';
import type { Settled } from './settle-batch.ts';
import { explain, settleBatch } from './settle-batch.ts';

/** A model as everything else in the library sees it. */
export interface Model {
  /** Normalised; its batch is dynamic wherever that could be done. Clone before extending. */
  readonly graph: Graph;
  /** As it was read: its inputs and outputs are those of the file. */
  readonly original: Graph;
  /** Facts of every tensor at the probed size. */
  readonly facts: FactTable;
  readonly input: ImageInput;
  /** Fixed tensors for the other inputs. */
  readonly fixedInputs: Readonly<Record<string, Tensor>>;
  /** Inputs besides the image that come with the call; others stood in for them while the model was looked at. */
  readonly missing: readonly DeclaredValue[];
  /**
   * The model with further fixed tensors, before those that it has.
   * @throws `ERR_OPTION_INVALID` for inputs that the model doesn't have, `ERR_INPUT_SHAPE` for tensors that they don't take
   */
  withInputs(inputs: Readonly<Record<string, Tensor>>, signal?: AbortSignal): Promise<Model>;
  readonly logits: Logits;
  readonly layers: readonly Layer[];
  /** The automatic layer, the last one of each branch where none lies on every path; none without spatial layers. */
  readonly automatic: readonly ChosenLayer[];
  /** The last of these. */
  readonly chosen: ChosenLayer | undefined;
  /** It computes in half precision, converted or by itself. */
  readonly half: boolean;
  readonly path: string | undefined;
  readonly sidecar: Sidecar;
  /** What else says something of pictures and classes, what wins last; `sidecar` wins over all of them. */
  readonly sources: readonly Source[];
  /** Facts for pictures of another size, for models that take any size. */
  factsFor(width: number, height: number, depth?: number, signal?: AbortSignal): Promise<FactTable>;
  /** Logits of another output of the model. */
  logitsOf(output: string): Logits;
  /**
   * What differs where another of its outputs is explained.
   * @throws `ERR_OPTION_INVALID` for an output that the model doesn't have, `ERR_MODEL_UNSUPPORTED` for one without scores
   */
  ofOutput(output: string): LayersOfOutput & Pick<Model, 'logits'>;
  /** Names of the classes that the file itself holds. */
  readonly classNames: readonly string[] | undefined;
  /**
   * The detector behind an output, or all outputs; undefined where none is recognised, or the user says that there is none.
   * @param format what a target says, before what the options say
   * @throws `ERR_MODEL_UNSUPPORTED` for a format that the outputs don't have
   */
  detectorOf(output?: string, format?: DetectionFormat): Detector | undefined;
  /** True where the logits are one score per image that a graph of the user's makes of the model's outputs. */
  readonly scored: boolean;
  /**
   * The model with a scoring graph behind it.
   * @throws what reading a model throws, and see mergeHead
   */
  withHead(head: string | URL | Uint8Array, signal?: AbortSignal): Promise<Model>;
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
  /** How its outputs hold detections; false for a model that makes none. */
  readonly detector?: DetectionSetting;
  /** Number of labels that the user or a file beside the model gives. */
  readonly labelCount?: (place: Pick<Model, 'path' | 'sidecar' | 'sources'>) => Promise<number | undefined>;
}

/** What the user says of detections: false for none, a format, or nothing. */
export type DetectionSetting = false | DetectionFormat | undefined;

/**
 * Loads, checks, normalises and probes a model. Given bytes must not be changed while the model is in use: they are not
 * copied.
 * @throws OnnxCamError `ERR_MODEL_NOT_FOUND`, `ERR_MODEL_INVALID`, `ERR_MODEL_UNSUPPORTED`, `ERR_EXTERNAL_DATA`,
 * `ERR_OPTION_INVALID` (names of inputs and outputs, the JSON file beside the model), `ERR_RUNTIME`, `ERR_ABORTED`
 */
export async function loadModel(source: string | URL | Uint8Array, options: LoadModelOptions): Promise<Model> {
  const { createSession, signal } = options;
  const path = isUint8Array(source) ? undefined : pathOf(source);
  const { graph: original, bytes } = await readGraph(source, signal);
  const sidecar = path === undefined ? {} : await readSidecar(path);
  const metadata = readUltralytics(original.metadata);
  const named = readMetadataLabels(original.metadata);
  const said = [named, metadata].filter(one => one !== undefined);
  const sources = [...said, ...(path === undefined ? [] : await readHuggingFace(path))];
  throwIfAborted(signal);

  const labelCount = await options.labelCount?.({ path, sidecar, sources });
  const detection =
    options.detector ?? (sidecar.detector === undefined ? undefined : parseDetectorOption(sidecar.detector));
  let digest: Promise<string> | undefined;
  const beside = path === undefined ? {} : await readInputsBeside(sidecar, path);
  return openModel(
    { ...beside, ...options.inputs },
    {
      original,
      options,
      place: { path, sidecar, sources, sha256: () => (digest ??= sha256(bytes)) },
      describing: { createSession, half: options.half ?? false, detection, labelCount },
    },
    signal,
  );
}

/** What is read of a model's files, and what the user says of it. */
interface Opened {
  readonly original: Graph;
  /** The signal is one of loading alone. */
  readonly options: Omit<LoadModelOptions, 'signal'>;
  readonly place: Pick<Model, 'path' | 'sidecar' | 'sources' | 'sha256'>;
  readonly describing: Omit<DescribeOptions, 'wanted' | 'probe' | keyof Flow>;
}

async function openModel(
  inputs: Readonly<Record<string, Tensor>>,
  opened: Opened,
  signal: AbortSignal | undefined,
): Promise<Model> {
  const { options, place, describing } = opened;
  const original = opened.original.clone();
  const { createSession } = options;
  const { sidecar, sources } = place;
  const described = describeInput(original, { input: options.input ?? sidecar.input, inputs });
  const input = adaptPictureInput(original, described);
  const beside = sources.findLast(({ preprocess }) => preprocess?.size)?.preprocess?.size;
  const [width, height] = options.size ?? sizeOf(sidecar) ?? beside ?? [];
  const wanted = options.output ?? sidecar.output;
  const missing = missingInputs(original, input.name, inputs);
  const made = placeholders(missing, input, [width ?? DEFAULT_SIZE, height ?? DEFAULT_SIZE]);
  if (!made) throw needsInputs(input.name, missing);
  const probe: ProbeOptions = { input, inputs: { ...inputs, ...made }, width, height, signal };
  const settle = async () => {
    const { graph: plain, assumptions, decided } = await resolveControlFlow(original, createSession, probe);
    await breathe(signal);
    const full = await settleBatch(plain, wanted, createSession, probe, decided);
    return { plain, flow: { assumptions, decided }, full };
  };
  const { plain, flow, full } = await settle().catch(error => {
    // What stands in for them may be what the model cannot take.
    const isModels = error instanceof OnnxCamError && error.code !== 'ERR_ABORTED';
    if (missing.length > 0 && isModels) throw needsInputs(input.name, missing, error);
    throw isModels && width === undefined ? orAskForSize(error, input) : error;
  });
  await breathe(signal);
  const model = await describeModel(full, { wanted, probe, ...flow, ...describing });
  const whole = {
    ...place,
    original: opened.original,
    fixedInputs: inputs,
    missing,
    withInputs: (further: Readonly<Record<string, Tensor>>, signal?: AbortSignal) =>
      openModel({ ...inputs, ...further }, opened, signal),
  };
  return {
    ...model,
    ...whole,
    withHead: async (head, signal) => {
      const { graph } = await readGraph(head, signal);
      const { output } = model.logits;
      const merged = await mergeHead(plain, graph, { facts: full.facts, output, createSession, signal });
      const probing = { ...probe, signal };
      const settled = await settleBatch(merged, HEAD_SCORE, createSession, probing, flow.decided);
      const scored = await describeModel(settled, { wanted: HEAD_SCORE, probe: probing, ...flow, ...describing });
      return { ...scored, ...whole, withHead: () => Promise.reject(new TypeError('the model has a scoring graph')) };
    },
  };
}

/** An open size may be none that the network takes: position embeddings, for instance, fit one. */
function orAskForSize(error: OnnxCamError, { name, height, width }: ImageInput): OnnxCamError {
  const open = [height === undefined && 'height', width === undefined && 'width'].filter(Boolean).join(' and ');
  if (open === '' || error.code !== 'ERR_MODEL_INVALID') return error;
  return new OnnxCamError(
    'ERR_MODEL_INVALID',
    `the model leaves the ${open} of its input "${name}" open and does not run at ${DEFAULT_SIZE}x${DEFAULT_SIZE}, which was ` +
      'tried; give the size that it was made for: preprocess: { size: [width, height] } (--size WxH), or a ' +
      'preprocessor_config.json beside it',
    { cause: error },
  );
}

/** A file's graph with all its weights, from operators that the library knows. */
async function readGraph(source: string | URL | Uint8Array, signal: AbortSignal | undefined) {
  const path = isUint8Array(source) ? undefined : pathOf(source);
  const bytes = isUint8Array(source) ? source : await readModelFile(path!);
  throwIfAborted(signal);
  const parsed = parseModel(bytes);
  await breathe(signal);
  await resolveExternalData(parsed, path);
  throwIfAborted(signal);
  return { graph: await lowerInTurns(withoutExplanation(parsed), signal), bytes };
}

/** What became of control flow. */
type Flow = Pick<Resolved, 'assumptions' | 'decided'>;

interface DescribeOptions extends Flow {
  readonly wanted: string | undefined;
  readonly createSession: CreateSession;
  readonly probe: ProbeOptions;
  readonly half: boolean;
  readonly detection: DetectionSetting;
  readonly labelCount: number | undefined;
}

/** Everything about a model that does not depend on where it was read from. */
async function describeModel(
  full: Settled,
  { wanted, createSession, probe, half, assumptions, decided, detection, labelCount }: DescribeOptions,
): Promise<
  Omit<
    Model,
    'path' | 'sidecar' | 'sources' | 'sha256' | 'original' | 'fixedInputs' | 'missing' | 'withHead' | 'withInputs'
  >
> {
  const scored = wanted === HEAD_SCORE;
  if (scored) checkHeadScore(full.graph, full.facts);
  const plain = { ...full, graph: withExplicitSqueezes(full.graph, full.facts) };
  const settled = half ? await halve(plain, createSession, probe) : plain;
  const { graph, facts } = settled;
  const names = ownClassNames(graph, facts);
  const context: LogitsContext = { input: settled.input, classNames: names?.length ?? labelCount };
  const detectorOf = (output?: string, format?: DetectionFormat) => {
    if (format === undefined && detection === false) return undefined;
    const source = { graph, facts, input: settled.input, output, classNames: context.classNames };
    return findDetector(source, format ?? (detection || undefined));
  };
  const viewOf = (output: string | undefined) => {
    const recognised = scored ? undefined : detectorOf(output);
    const detector = recognised?.certain ? recognised : undefined;
    const found = scored ? headLogits(facts) : findLogits(graph, facts, output ?? detector?.output, context);
    const notes = [...(found.note === undefined ? [] : [found.note]), ...notesOf(graph, facts, settled.input, decided)];
    const logits = notes.length > 0 ? { ...found, note: notes.join('; ') } : found;
    return { logits, ...layersOfOutput(settled, logits, detector) };
  };
  return {
    graph,
    facts,
    input: settled.input,
    ...viewOf(wanted),
    half: graph.nodes.some(({ op, outputs }) => WEIGHTED.has(op) && facts.get(outputs[0]!)?.type === 'float16'),
    factsFor: async (width, height, depth, signal) => {
      const options = { ...probe, input: settled.input, width, height, depth, like: facts, signal };
      const found = await probeFacts(graph, createSession, options);
      const broken = brokenAssumption(assumptions, found);
      if (broken) throw otherWay(broken, width, height);
      return found;
    },
    logitsOf: output => findLogits(graph, facts, output, context),
    ofOutput: viewOf,
    classNames: names,
    detectorOf,
    scored,
  };
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

/** Branches and repetitions were written out for the size that the model was loaded for. */
function otherWay({ op, node }: Assumption, width: number, height: number): OnnxCamError {
  return new OnnxCamError(
    'ERR_INPUT_SHAPE',
    `pictures of ${width} × ${height} take another way through the model than those of the size that it was loaded for ` +
      `(${op} "${node}"): load it once more with preprocess: { size: [${width}, ${height}] }`,
  );
}

/** Whose type is what a model computes in. */
const WEIGHTED: ReadonlySet<string> = new Set(['Conv', 'Gemm', 'MatMul']);
