import { OnnxCamError } from '../common/errors.ts';
import { NameTable, spellingsOf } from '../common/name-table.ts';
import { didYouMean } from '../common/suggest.ts';
import { adcc } from './adcc.ts';
import { aopc } from './aopc.ts';
import { arcc } from './arcc.ts';
import { averageDrop } from './average-drop.ts';
import { averageGain } from './average-gain.ts';
import { averageIncrease } from './average-increase.ts';
import { avgSensitivity } from './avg-sensitivity.ts';
import { boxIouMetric } from './box-iou.ts';
import { coherency } from './coherency.ts';
import { complexity } from './complexity.ts';
import type { MetricDefinition } from './definition.ts';
import { deletion } from './deletion.ts';
import { drop } from './drop.ts';
import { effectiveComplexity } from './effective-complexity.ts';
import { emprt } from './emprt.ts';
import { energyPointingGame } from './energy-pointing-game.ts';
import { entropy } from './entropy.ts';
import { faithfulnessCorrelation } from './faithfulness-correlation.ts';
import { halfMutedDrop } from './half-muted-drop.ts';
import { infidelity } from './infidelity.ts';
import { insertion } from './insertion.ts';
import { insertionDeletion } from './insertion-deletion.ts';
import { iou } from './iou.ts';
import { lerfDeletion } from './lerf-deletion.ts';
import { maxBoxAcc } from './max-box-acc.ts';
import { maxSensitivity } from './max-sensitivity.ts';
import { mprt } from './mprt.ts';
import { muFidelity } from './mu-fidelity.ts';
import { pointingGame } from './pointing-game.ts';
import { pxap } from './pxap.ts';
import { randomLogit } from './random-logit.ts';
import { rankAccuracy } from './rank-accuracy.ts';
import { road } from './road.ts';
import { roadLerf } from './road-lerf.ts';
import { roadMorf } from './road-morf.ts';
import { rocAuc } from './roc-auc.ts';
import { saco } from './saco.ts';
import { sparseness } from './sparseness.ts';
import { srg } from './srg.ts';
import { topK } from './top-k.ts';

/** Every metric, in the order they are listed. A new one is its file and one line here. */
export const METRICS: readonly MetricDefinition[] = [
  averageDrop,
  averageIncrease,
  averageGain,
  drop,
  halfMutedDrop,
  deletion,
  insertion,
  insertionDeletion,
  lerfDeletion,
  srg,
  aopc,
  roadMorf,
  roadLerf,
  road,
  coherency,
  complexity,
  adcc,
  arcc,
  infidelity,
  muFidelity,
  saco,
  faithfulnessCorrelation,
  pointingGame,
  energyPointingGame,
  rankAccuracy,
  topK,
  rocAuc,
  pxap,
  iou,
  boxIouMetric,
  maxBoxAcc,
  maxSensitivity,
  avgSensitivity,
  mprt,
  emprt,
  randomLogit,
  sparseness,
  entropy,
  effectiveComplexity,
];

/** The further spellings of a metric: its own aliases, its title, all of them without hyphens. */
export function aliasesOf(metric: MetricDefinition): string[] {
  return [...new Set(spellingsOf(metric))].filter(name => name !== metric.name);
}

const table = new NameTable(METRICS.flatMap(metric => [metric.name, ...aliasesOf(metric)].map(name => [name, metric])));

/**
 * A metric by name or alias, without regard to case, underscores or spaces.
 * @throws `ERR_METRIC_UNKNOWN` with the nearest names.
 */
export function findMetric(name: string): MetricDefinition {
  const found = table.find(name);
  if (found) return found;
  const known = METRICS.map(metric => metric.name);
  throw new OnnxCamError(
    'ERR_METRIC_UNKNOWN',
    `no metric is called '${name}'${didYouMean(String(name).toLowerCase(), known)}; there are ${known.join(', ')}`,
  );
}
