import { OnnxCamError } from '../common/errors.ts';
import type { ExplainRequest } from '../request/request.ts';
import type { ImageResults } from './assemble-results.ts';
import { explainRun, type Stage } from './explain-run.ts';
import type { Work } from './group-runs.ts';

/**
 * As `explainRun`; a run that does not fit into memory is made in halves, with a warning.
 * @throws `ERR_OUT_OF_MEMORY` when not even a single image fits, and what `explainRun` throws
 */
export async function explainThatFits(
  stage: Stage,
  work: readonly Work[],
  request: ExplainRequest,
  warnings: readonly string[] = [],
): Promise<ImageResults[]> {
  try {
    return await explainRun(stage, work, request, warnings);
  } catch (error) {
    const tooLarge = error instanceof OnnxCamError && error.code === 'ERR_OUT_OF_MEMORY';
    // A fixed batch has its size, however few images are meant.
    if (!tooLarge || work.length === 1 || stage.network.model.input.batch !== undefined) throw error;
    const middle = Math.ceil(work.length / 2);
    const warning = `a run with ${work.length} images did not fit into memory and was made in halves`;
    const results: ImageResults[] = [];
    for (const half of [work.slice(0, middle), work.slice(middle)])
      results.push(...(await explainThatFits(stage, half, request, [...warnings, warning])));
    return results;
  }
}
