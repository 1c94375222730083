import type { ExplainRequest } from '../request/request.ts';
import type { ImageResults } from './assemble-results.ts';
import { explainRun } from './explain-run.ts';
import type { Work } from './group-runs.ts';
import { inHalves } from './in-halves.ts';
import type { Stage } from './stage.ts';

/**
 * As `explainRun`; a run that does not fit into memory is made in halves, with a warning.
 * @throws `ERR_OUT_OF_MEMORY` when not even a single image fits, and what `explainRun` throws
 */
export async function explainThatFits(
  stage: Stage,
  work: readonly Work[],
  request: ExplainRequest,
): Promise<readonly ImageResults[]> {
  const fixed = stage.network.model.input.batch !== undefined;
  return inHalves(work, fixed, (part, warnings) => explainRun(stage, part, request, warnings));
}
