import { Session } from './engine/session.ts';
import { Network } from './explain/network.ts';
import { Scorers } from './explain/scorers.ts';
import { SessionCache } from './explain/session-cache.ts';
import { Explainer } from './explainer.ts';
import { type ResolvedPreprocess, resolvePreprocess } from './image/preprocess-options.ts';
import { loadModel } from './model/load-model.ts';
import { checkOneOf, type LoadOptions, PRECISIONS } from './options.ts';
import { physicalCores } from './physical-cores.ts';
import { readLabels } from './targets/read-labels.ts';

/**
 * Loads an ONNX model for explaining: reads it, finds its input, class scores and layers.
 * @param model path, `file:` URL, or the file's bytes (which must not change while the explainer is in use)
 * @throws `ERR_MODEL_NOT_FOUND`, `ERR_MODEL_INVALID`, `ERR_MODEL_UNSUPPORTED`, `ERR_EXTERNAL_DATA`,
 * `ERR_OPTION_INVALID`, `ERR_PROVIDER_UNAVAILABLE`, `ERR_ADDON`, `ERR_RUNTIME`
 */
export async function load(model: string | URL | Uint8Array, options: LoadOptions = {}): Promise<Explainer> {
  const { precision, preprocess, labels, layer, input, output, inputs, tokens, ...sessionOptions } = options;
  checkOneOf('precision', precision, PRECISIONS);
  const session = { ...sessionOptions, intraOpNumThreads: sessionOptions.intraOpNumThreads ?? physicalCores() };
  const loaded = await loadModel(model, {
    createSession: (bytes, probing) => Session.create(bytes, { ...session, ...probing }),
    input,
    output,
    inputs,
    size: typeof preprocess === 'object' ? preprocess.size : undefined,
  });
  // Volumes have no picture preprocessing, so a model without one can still be loaded and fed tensors.
  let resolved: ResolvedPreprocess | undefined;
  const pictures = (): ResolvedPreprocess => {
    const { layout, ...input } = loaded.input;
    const picture = { ...input, layout: layout === 'ncdhw' ? undefined : layout };
    return (resolved ??= resolvePreprocess(preprocess, picture, loaded.sidecar.preprocess));
  };
  if (preprocess !== undefined) pictures();
  const cache = new SessionCache();
  return new Explainer({
    network: new Network(loaded, cache, session),
    scorers: new Scorers(loaded, cache, session, session.intraOpNumThreads),
    setting: {
      labels: await readLabels(labels ?? loaded.sidecar.labels, loaded.path),
      precision: 'fp32',
    },
    preprocess: pictures,
    defaults: { layer, tokens: tokens ?? loaded.sidecar.tokens },
    dispose: () => cache.dispose(),
  });
}
