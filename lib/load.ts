import { OnnxCamError, throwIfAborted } from './common/errors.ts';
import { className, isUint8Array, isUrl } from './common/kinds.ts';
import { SharedWork } from './common/shared-work.ts';
import { physicalCores } from './engine/physical-cores.ts';
import { withPrecision } from './engine/precision.ts';
import { isAccelerated } from './engine/providers.ts';
import { Session } from './engine/session.ts';
import { toNativeConfig } from './engine/session-options.ts';
import { Admission } from './explain/admission.ts';
import type { Stage } from './explain/stage.ts';
import { Stages } from './explain/stages.ts';
import { Explainer } from './explainer.ts';
import { loadModel, type Model } from './model/load-model.ts';
import { MaskOptimizers } from './network/mask-optimizers.ts';
import { Network } from './network/network.ts';
import { joinPreprocess, type Preprocessing } from './network/preprocessing.ts';
import { RunSchedule } from './network/run-schedule.ts';
import { Scorers } from './network/scorers.ts';
import { SessionCache, type SessionUse } from './network/session-cache.ts';
import { checkLoadOptions, type LoadOptions } from './options.ts';
import { Requests } from './request/request.ts';
import { parseDetectorOption } from './targets/detection.ts';
import { Labels } from './targets/labels.ts';
import { readLabels, readLabelsBeside } from './targets/read-labels.ts';

/** Sessions that only probe write none of the files that the user asked for. */
const NO_FILES = { enableProfiling: undefined, optimizedModelFilePath: undefined };

/**
 * Loads an ONNX model for explaining: reads it, finds its input, class scores and layers.
 * @param model path, `file:` URL, or the file's bytes (which must not change while the explainer is in use)
 * @throws `ERR_MODEL_NOT_FOUND`, `ERR_MODEL_INVALID`, `ERR_MODEL_UNSUPPORTED`, `ERR_EXTERNAL_DATA`,
 * `ERR_OPTION_INVALID`, `ERR_INPUT_SHAPE` where pictures cannot be its input, `ERR_PROVIDER_UNAVAILABLE`, `ERR_ADDON`,
 * `ERR_RUNTIME_NOT_FOUND`, `ERR_RUNTIME`, `ERR_OUT_OF_MEMORY`, `ERR_ABORTED`
 */
export async function load(model: string | URL | Uint8Array, options: LoadOptions = {}): Promise<Explainer> {
  checkSource(model);
  checkLoadOptions(options);
  const { signal } = options;
  throwIfAborted(signal);
  // Bytes are the caller's own again when he hears of the abort, so that nothing may read them any more by then.
  if (!signal || isUint8Array(model)) return open(model, options);
  return new SharedWork(ended => open(model, { ...options, signal: ended })).join(signal);
}

async function open(model: string | URL | Uint8Array, options: LoadOptions): Promise<Explainer> {
  const {
    precision = 'auto',
    scoringPrecision,
    preprocess,
    limitInputPixels,
    decode,
    labels,
    detector,
    maxQueue,
    signal,
    ...others
  } = options;
  const { layer, input, output, inputs, tokens, ...sessionOptions } = others;
  const session = {
    ...sessionOptions,
    executionProviders: withPrecision(sessionOptions.executionProviders, precision),
    intraOpNumThreads: sessionOptions.intraOpNumThreads || physicalCores(),
  };
  // Checks them all: sessions that only probe override some.
  toNativeConfig(session);
  let given: Labels | undefined;
  const loaded = await loadModel(model, {
    createSession: (bytes, probing) => Session.create(bytes, { ...session, ...NO_FILES, ...probing }),
    input,
    output,
    inputs,
    size: typeof preprocess === 'object' ? preprocess.size : undefined,
    half: precision === 'fp16',
    signal,
    detector: parseDetectorOption(detector),
    labelCount: async place => {
      given = await labelsOf(labels, place);
      return given?.fitting === 'characters' ? undefined : given?.names.length;
    },
  });
  // Volumes have no picture preprocessing, so a model without one can still be loaded and fed tensors.
  let joined: Preprocessing | undefined;
  const joining = () => (joined ??= joinPreprocess(preprocess, loaded));
  const pictures = () => joining().resolved;
  if (preprocess !== undefined) pictures();
  const cache = new SessionCache();
  const sideBySide = !isAccelerated(session.executionProviders);
  const schedule = new RunSchedule(session.intraOpNumThreads, { sideBySide });
  const setting = { labels: given ?? (loaded.classNames && new Labels(loaded.classNames)) };
  const stageOf = (model: Model, sessions: SessionUse): Stage => {
    const network = new Network(model, sessions, session, { precision, schedule });
    const scorers = new Scorers(model, sessions, session, {
      threads: session.intraOpNumThreads,
      scoringPrecision,
    });
    const requests = new Requests(network, { layer, tokens: tokens ?? loaded.sidecar.tokens });
    const { output, classes } = model.logits;
    // They belong to the model's own output, and to others of its length.
    const labelled = model.scored || output === loaded.logits.output || classes === loaded.logits.classes;
    const own = labelled ? setting : { labels: undefined };
    return { network, schedule, scorers, optimizers: new MaskOptimizers(network, pictures), setting: own, requests };
  };
  return new Explainer({
    stages: new Stages(loaded, cache, stageOf),
    schedule,
    admission: new Admission(schedule.concurrency, maxQueue),
    reading: { preprocessing: joining, decoding: { limitInputPixels, decode } },
    dispose: () => cache.dispose(),
  });
}

/** The user's labels before those of the files beside the model and of its metadata. */
async function labelsOf(
  labels: LoadOptions['labels'],
  { path, sidecar, sources }: Pick<Model, 'path' | 'sidecar' | 'sources'>,
): Promise<Labels | undefined> {
  if (labels !== undefined) return readLabels(labels, path);
  if (sidecar.labels !== undefined && path !== undefined) return readLabelsBeside(sidecar.labels, path);
  const source = sources.findLast(one => one.labels);
  return source && new Labels(source.labels!, source.from, source.fitting);
}

function checkSource(model: unknown): void {
  if (typeof model === 'string' || isUrl(model) || isUint8Array(model)) return;
  throw new OnnxCamError(
    'ERR_MODEL_INVALID',
    `a model is given as a path, a file: URL, or the bytes of an ONNX file (Uint8Array), not as ${
      typeof model === 'object' ? (model === null ? 'null' : className(model)) : typeof model
    }`,
  );
}
