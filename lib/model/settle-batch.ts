import { OnnxCamError } from '../common/errors.ts';
import { listsDetections } from './find/detector.ts';
import type { ImageInput } from './find/input.ts';
import { findLogits } from './find/logits.ts';
import type { FactTable } from './graph/facts.ts';
import type { Graph } from './graph/graph.ts';
import { mixesImages } from './mixed-batch.ts';
import { agreesWithOriginal, withDynamicBatch } from './probe/dynamic-batch.ts';
import { type Inferred, inferShapes } from './probe/infer-shapes.ts';
import type { ProbeOptions } from './probe/probe-facts.ts';
import { probeFacts } from './probe/probe-facts.ts';
import type { CreateSession } from './probe/probe-session.ts';
import { HEAD_SCORE } from './rewrite/merge-head.ts';

export interface Settled {
  readonly graph: Graph;
  readonly facts: FactTable;
  readonly input: ImageInput;
}

/**
 * Makes the batch dynamic where the model allows it, and fixed where it only claims to be dynamic: exporters write
 * either kind wrongly.
 * @param decided all pictures of a batch decide together which nodes run
 */
export async function settleBatch(
  graph: Graph,
  output: string | undefined,
  createSession: CreateSession,
  probe: ProbeOptions,
  decided = false,
): Promise<Settled> {
  const { input } = probe;
  let inferred: ReadonlyMap<string, Inferred> | undefined;
  if (decided || mixesImages(graph)) {
    // One scale, or one branch, for the whole batch: an image alone scores otherwise than among others.
  } else if (input.batch === undefined) {
    const facts = await attempt(() => probeFacts(graph, createSession, probe));
    if (facts && followsBatch({ graph, facts, input }, output)) return { graph, facts, input };
  } else if (input.batch === 1) {
    const dynamic = { ...input, batch: undefined };
    const types = await inferOrExplain(graph, createSession, probe);
    inferred = types;
    const settled = await attempt(async () => {
      const batched = withDynamicBatch(graph, types, input);
      const options = { ...probe, input: dynamic, tentative: true };
      const facts = await probeFacts(batched, createSession, options);
      const scores = followsBatch({ graph: batched, facts, input: dynamic }, output);
      const right = scores && (await agreesWithOriginal(graph, batched, scores, createSession, options));
      return right ? { graph: batched, facts, input: dynamic } : undefined;
    });
    if (settled) return settled;
  }
  const fixed = { ...input, batch: input.batch ?? 1 };
  try {
    const facts = await probeFacts(graph, createSession, { ...probe, input: fixed, inferred });
    return { graph, facts, input: fixed };
  } catch (error) {
    throw explain(error);
  }
}

/** The output with the scores, when the first size of the scores, and nothing else, follows the batch. */
function followsBatch(settled: Settled, wanted: string | undefined): string | undefined {
  const { graph, facts, input } = settled;
  // Detections in rows of their own are not told apart by image.
  if (wanted !== HEAD_SCORE && listsDetections(settled)) return undefined;
  const { dims, output, unbatched } = findLogits(graph, facts, wanted, { input });
  return dims[0] === -1 && !dims.slice(1).includes(-1) && !unbatched ? output : undefined;
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
export function explain(error: unknown): unknown {
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
