import { OnnxCamError } from '../common/errors.ts';
import type { MethodDefinition } from '../methods/definition.ts';
import { type CamHead, findCamHead } from '../model/find/cam-head.ts';
import type { Network, NetworkResult } from '../network/network.ts';
import { slopes } from '../network/seeds.ts';
import type { TargetLayer } from '../plan/target-layer.ts';
import type { MethodRun } from '../request/request.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';

/** Σ weight · row of the classifier for each target, [targets · channels]; an optional one may be missing. */
export function classifierRows(
  network: Network,
  run: NetworkResult,
  layer: TargetLayer,
  { definition }: MethodRun,
  targets: readonly ResolvedTarget[],
  need: true | 'optional',
): Float32Array | undefined {
  if (need === 'optional' && !(anyCamHead(network, layer, targets) && targets.every(isLogit))) return undefined;
  const head = camHeadOf(network, layer, definition, targets);
  const rows = new Float32Array(targets.length * head.channels);
  targets.forEach((target, t) => {
    for (const { index, weight } of slopes(target)) {
      const scoreRow = run.rows[Math.min(t, run.rows.length - 1)]!;
      const row = head.row(scoreRow.classOf(index));
      for (let k = 0; k < row.length; k++) rows[t * head.channels + k]! += weight * row[k]!;
    }
  });
  return rows;
}

/** Whether a target is made of logits alone. */
export const isLogit = ({ terms }: ResolvedTarget): boolean => terms.every(({ view }) => view === 'logit');

/**
 * The linear classifier behind global average pooling whose rows are CAM's weights.
 * @throws `ERR_METHOD_UNSUPPORTED` where the network or a target has none.
 */
export function camHeadOf(
  network: Network,
  layer: TargetLayer,
  definition: MethodDefinition,
  targets: readonly ResolvedTarget[],
): CamHead {
  const head = anyCamHead(network, layer, targets);
  if (!head)
    throw new OnnxCamError(
      'ERR_METHOD_UNSUPPORTED',
      `${definition.name} needs a network that ends in global average pooling and one linear layer behind "${layer.name}"; ` +
        'Grad-CAM gives the same map for such networks and works for others',
    );
  const view = targets.flatMap(({ terms }) => terms).find(term => term.view !== 'logit')?.view;
  if (view) throw new OnnxCamError('ERR_METHOD_UNSUPPORTED', `${definition.name} explains logits, not the ${view}`);
  return head;
}

function anyCamHead(network: Network, layer: TargetLayer, targets: readonly ResolvedTarget[]): CamHead | undefined {
  const { graph, facts } = network.model;
  return findCamHead(graph, facts, layer, network.head(targets[0]!));
}
