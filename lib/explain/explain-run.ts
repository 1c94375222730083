import type { ExplainRequest, Requests } from '../request/request.ts';
import { assembleResults, type ImageResults } from './assemble-results.ts';
import { computeMaps, type Runners } from './compute-maps.ts';
import type { Work } from './group-runs.ts';
import type { Setting } from './head-setting.ts';

/** What explaining needs of the explainer. */
export interface Stage extends Runners {
  readonly setting: Setting;
  readonly requests: Requests;
}

/**
 * Explains the images of one network run: the run and the methods' maps, then the results.
 * @param known warnings that every result gets
 * @throws `ERR_NO_GRADIENT`, `ERR_METHOD_UNSUPPORTED`, `ERR_RUNTIME`, `ERR_ABORTED`
 */
export async function explainRun(
  stage: Stage,
  work: readonly Work[],
  request: ExplainRequest,
  known: readonly string[] = [],
): Promise<ImageResults[]> {
  const computed = await computeMaps(stage, work, request);
  try {
    return await assembleResults(stage, work, computed, { mapSize: request.mapSize, known });
  } finally {
    computed.release();
  }
}
