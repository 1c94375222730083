import { type LoadModelOptions, loadModel, type Model } from '../../lib/model/load-model.ts';
import { createOrtSession } from './ort-session.ts';

/** `loadModel` over onnxruntime-node. */
export function load(source: string | URL | Uint8Array, options: Partial<LoadModelOptions> = {}): Promise<Model> {
  return loadModel(source, { createSession: createOrtSession, ...options });
}
