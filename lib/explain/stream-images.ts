import type { Progress } from '../common/progress.ts';
import { openSource, runStream, type StreamResult, type StreamSource } from '../io/picture-stream.ts';
import type { ExplainSource } from '../network/images.ts';
import type { ExplainOptions } from '../options.ts';
import { type AskedTargets, targetsOf } from '../request/request.ts';
import type { ExplainResult } from './result-type.ts';

/** The results of a stream, in the order of its source. */
export interface ImageStream<T, R> extends AsyncGenerator<StreamResult<T, R>, void, void> {
  /**
   * How many images there are: of an array at once, of a folder or glob when its files are listed, which the first `next` waits for;
   * undefined before, and for iterables, which only reading counts.
   */
  readonly total: number | undefined;
}

/** An explainer as streams use it. */
export interface StreamingExplainer {
  readonly concurrency: number;
  /** @throws what is wrong for every image */
  check(options: ExplainOptions): void;
  explain(image: ExplainSource, options: ExplainOptions): Promise<ExplainResult>;
}

/**
 * @param explainers throws what is wrong with the options, when results are asked for
 * @param asked `concurrency` is for each explainer
 */
export function streamImages<T extends ExplainSource>(
  explainers: () => readonly StreamingExplainer[],
  source: StreamSource<T>,
  asked: ExplainOptions & { concurrency?: number },
): ImageStream<T, ExplainResult> {
  let total: number | undefined;
  const count = (images: unknown) => {
    if (Array.isArray(images)) total = images.length;
  };
  async function* results(): AsyncGenerator<StreamResult<T, ExplainResult>, void, void> {
    const checked = explainers();
    const { concurrency, onProgress, ...options } = asked;
    const pool = checked.map(explainer => ({ explainer, running: 0 }));
    for (const { explainer } of pool) explainer.check(options);
    const [{ targets, isList }] = targetsOf(options.target, 1, false) as [AskedTargets];
    // An image may be a tensor that stands for several, of which each is asked for all.
    const target = isList ? [targets] : targets[0];
    const task = async (input: T): Promise<ExplainResult> => {
      const idle = pool.reduce((best, one) => (one.running < best.running ? one : best));
      idle.running++;
      try {
        return await idle.explainer.explain(input, { ...options, target });
      } finally {
        idle.running--;
      }
    };
    const atOnce = pool.reduce((sum, { explainer }) => sum + (concurrency ?? explainer.concurrency), 0);
    const images = await openSource(source);
    count(images);
    let done = 0;
    for await (const result of runStream(images, task, { concurrency: atOnce, signal: options.signal })) {
      const index = done++;
      onProgress?.({ done, total: total ?? done, index, input: result.input } satisfies Progress);
      yield result;
    }
  }
  count(source);
  return Object.defineProperty(results(), 'total', { get: () => total }) as ImageStream<T, ExplainResult>;
}
