import type { ExplainRequest } from '../request/request.ts';
import { assembleResults, type ImageResults } from './assemble-results.ts';
import { type ComputedMaps, computeMaps } from './compute-maps.ts';
import { computeWithTechniques } from './compute-with-techniques.ts';
import type { Work } from './group-runs.ts';
import type { Stage } from './stage.ts';

/**
 * Explains the images of one network run: the run and the methods' maps, then the results. Techniques have runs of their own for each
 * image.
 * @param known warnings that every result gets
 * @throws `ERR_NO_GRADIENT`, `ERR_METHOD_UNSUPPORTED`, `ERR_RUNTIME`, `ERR_ABORTED`
 */
export async function explainRun(
  stage: Stage,
  work: readonly Work[],
  request: ExplainRequest,
  known: readonly string[] = [],
): Promise<ImageResults[]> {
  if (request.techniques.length === 0)
    return assembled(stage, work, request, known, await computeMaps(stage, work, request));
  const results: ImageResults[] = [];
  for (const one of work)
    results.push(...(await assembled(stage, [one], request, known, await computeWithTechniques(stage, one, request))));
  return results;
}

async function assembled(
  stage: Stage,
  work: readonly Work[],
  { mapSize, techniques }: ExplainRequest,
  known: readonly string[],
  computed: ComputedMaps,
): Promise<ImageResults[]> {
  try {
    return await assembleResults(stage, work, computed, { mapSize, techniques, known });
  } finally {
    computed.release();
  }
}
