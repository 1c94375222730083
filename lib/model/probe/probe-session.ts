import type { Tensor } from '../../engine/tensor.ts';
import { serializeModel } from '../file/serialize-model.ts';
import type { Graph } from '../graph/graph.ts';

/** The part of the engine's session that probing needs. */
export interface ProbeSession {
  readonly outputs: readonly { readonly name: string; readonly type: string; readonly dims?: readonly unknown[] }[];
  run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches: readonly string[],
    options?: { signal?: AbortSignal },
  ): Promise<Record<string, Tensor>>;
  dispose(): Promise<void>;
}

export interface ProbeSessionOptions {
  readonly externalFiles: Record<string, Uint8Array>;
  readonly graphOptimizationLevel: 'disabled';
  /** Session configuration entries by ONNX Runtime's names. */
  readonly extra: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
}

export type CreateSession = (model: Uint8Array, options: ProbeSessionOptions) => Promise<ProbeSession>;

/**
 * Uses a session for a few runs and releases it: nothing is optimised, so that every tensor exists, and weights are not
 * rearranged, which would hold them twice. Threads don't wait busily for more: there is nothing more.
 */
export async function withProbe<T>(
  graph: Graph,
  createSession: CreateSession,
  signal: AbortSignal | undefined,
  use: (session: ProbeSession) => T | Promise<T>,
): Promise<T> {
  const { model, externalFiles } = serializeModel(graph);
  const extra = { 'session.disable_prepacking': '1', 'session.intra_op.allow_spinning': '0' };
  const session = await createSession(model, { externalFiles, graphOptimizationLevel: 'disabled', extra, signal });
  try {
    return await use(session);
  } finally {
    await session.dispose();
  }
}
