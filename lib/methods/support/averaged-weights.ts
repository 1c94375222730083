import { channelMaps } from '../../kernels/features.ts';
import type { MaskRequest } from '../../scoring/mask-request.ts';
import { softmax } from '../../targets/score.ts';
import type { LayerTensors, MethodContext } from '../definition.ts';
import { pictureScorerOf } from '../definition.ts';
import { channelWeights } from './channel-weights.ts';
import { chooseChannels } from './choose-channels.ts';

/**
 * Channel weights [T·C] of the methods that average each channel's score over changed copies of its mask: the softmax
 * over channels of the means, with torchcam's masks (min-max of the small map, then upsampled). torchcam scores constant
 * channels as a black image, its papers leave them out.
 */
export async function averagedWeights(
  layer: LayerTensors,
  context: MethodContext,
  repeats: Pick<MaskRequest, 'scales' | 'noise'>,
): Promise<Float32Array> {
  const { params, convention } = context;
  const scorer = pictureScorerOf(context);
  const choice = await chooseChannels(layer, params, scorer.targets);
  const skips = convention !== 'torchcam';
  const { scores, constant } = await scorer.masks({
    maps: channelMaps(layer.activations),
    rule: { interpolation: 'bilinear', normalize: 'before', epsilon: 1e-8 },
    constant: skips ? 'skip' : 'score',
    select: choice.select,
    ...repeats,
    dedupe: params.dedupe as boolean | undefined,
  });
  const channels = layer.activations.dims[1]!;
  const excluded = skips ? constant : undefined;
  return channelWeights({ scores, excluded, choice, channels, targets: scorer.targets }, softmax);
}
