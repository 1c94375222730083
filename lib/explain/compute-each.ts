import { applyMethod } from '../maps/apply-method.ts';
import { inputSize } from '../network/images.ts';
import type { Network } from '../network/network.ts';
import type { PictureScorerRequest } from '../network/scorers.ts';
import type { ScoreHead } from '../plan/score-head.ts';
import type { TargetLayer } from '../plan/target-layer.ts';
import type { MethodRun } from '../request/request.ts';
import type { Runs } from '../result/explanation-fields.ts';
import type { ActivationScorer } from '../scoring/activation-scorer.ts';
import { checkedMaps } from './checked-maps.ts';
import { isLogit } from './classifier-rows.ts';
import { imageTensors, joined, prefixOf } from './layer-tensors.ts';
import type { Computed, MethodInput } from './method-input.ts';
import type { RunMakers } from './runners.ts';
import { scoresAsked } from './scores-asked.ts';

/** A method's maps of one set of layers, one image after the other, each with runs of its own. */
export async function computeEach(makers: RunMakers, input: MethodInput): Promise<Computed[]> {
  const results: Computed[] = [];
  for (let i = 0; i < input.work.length; i++) results.push(await computeOne(makers, input, i));
  return results;
}

/** How many scorers tell of their passes, of one image. */
export function scorersOf(methods: readonly MethodRun[]): number {
  const ofSet = ({ needs: { scores, optimizer } }: MethodRun, layers: readonly TargetLayer[]) => {
    const pictures = scores?.some(kind => kind === 'masks' || kind === 'detections') ? 1 : 0;
    const activations = scores?.includes('block') ? 1 : scores?.includes('tail') ? layers.length : 0;
    return pictures + activations + (optimizer ? layers.length : 0);
  };
  return methods.reduce((sum, method) => method.layerSets.reduce((own, set) => own + ofSet(method, set), sum), 0);
}

async function computeOne({ scorers, optimizers }: RunMakers, input: MethodInput, i: number): Promise<Computed> {
  const start = performance.now();
  const { run, work, method, layers, targets, request } = input;
  const { needs } = method;
  const { seed, signal, batchSize } = request;
  const progress = work[i]!.progress;
  const onProgress = () => progress?.part(method.definition.name);
  const tensors = layers.map(layer => imageTensors(run, layer, i, targets.length > work.length));
  const similar = needs.scores?.includes('detections') ?? false;
  const asked = await scoresAsked(input, i, { similar, batchSize, signal });
  const activationsOf = (layer: number) => tensors[layer]!.activations;

  const pictures = needs.scores?.some(kind => kind === 'masks' || kind === 'detections');
  const pictureScorer = pictures ? scorers.pictures({ ...asked, onProgress: onProgress() }) : undefined;
  const activationScorers: ActivationScorer[] = [];
  if (needs.scores?.includes('block')) {
    const [layer, entry] = layers as [TargetLayer, TargetLayer];
    const activations = joined(
      tensors.map(one => one.activations),
      1,
    );
    const prefix = prefixOf(run, layers, i, method);
    activationScorers.push(
      scorers.activations({ ...asked, onProgress: onProgress(), layer, entry, activations, prefix }),
    );
  } else if (needs.scores?.includes('tail'))
    for (const [l, layer] of layers.entries()) {
      const affine = layer.affine && method.params.keepPrefix !== false && isAffine(asked, input.network);
      const linearTail = affine ? tensors[l]!.gradients : undefined;
      const prefix = prefixOf(run, [layer], i, method);
      activationScorers.push(
        scorers.activations({
          ...asked,
          onProgress: onProgress(),
          layer,
          activations: activationsOf(l),
          linearTail,
          prefix,
        }),
      );
    }
  const made = needs.optimizer
    ? layers.map((layer, l) =>
        optimizers.optimizer({ ...asked, onProgress: onProgress(), layer, activations: activationsOf(l) }),
      )
    : undefined;

  const context = { seed, signal, pictureScorer, activationScorers, optimizers: made };
  const scored = pictureScorer ? [pictureScorer, ...activationScorers] : activationScorers;
  const apply = () => applyMethod(method, tensors, inputSize(work[i]!.image), context);
  const maps = await checkedMaps(apply, scored);
  return {
    maps,
    first: 0,
    milliseconds: performance.now() - start,
    runs: total([...scored, ...(made ?? [])].map(({ runs }) => runs)),
    int8: scored.find(({ int8 }) => int8)?.int8,
    warnings: [...new Set(scored.flatMap(({ warnings }) => warnings))],
  };
}

/** Whether scores are affine where the model's logits are. */
function isAffine({ head, targets }: Pick<PictureScorerRequest, 'head' | 'targets'>, { model }: Network): boolean {
  const { tensor, readout }: ScoreHead = head;
  return tensor === model.logits.tensor && (!readout || readout.kind === 'region') && targets.every(isLogit);
}

function total(counts: readonly Runs[]): Runs {
  const sum = (key: keyof Runs) => counts.reduce((so, one) => so + one[key], 0);
  return { network: sum('network'), tail: sum('tail'), saved: sum('saved') };
}
