import { OnnxCamError } from '../common/errors.ts';
import { NameTable, spellingsOf } from '../common/name-table.ts';
import { didYouMean } from '../common/suggest.ts';
import { ablationCam } from './ablation-cam.ts';
import { activationMean } from './activation-mean.ts';
import { attentionGradCam } from './attention-grad-cam.ts';
import { attentionRollout } from './attention-rollout.ts';
import { cam } from './cam.ts';
import { dRise } from './d-rise.ts';
import type { MethodDefinition } from './definition.ts';
import { dff } from './dff.ts';
import { eigenCam } from './eigen-cam.ts';
import { eigenGradCam } from './eigen-grad-cam.ts';
import { fasterScoreCam } from './faster-score-cam.ts';
import { fdCam } from './fd-cam.ts';
import { fem } from './fem.ts';
import { finerCam } from './finer-cam.ts';
import { fullGrad } from './fullgrad.ts';
import { genericAttention } from './generic-attention.ts';
import { gradCam } from './grad-cam.ts';
import { gradCamElementwise } from './grad-cam-elementwise.ts';
import { gradCamPlusPlus } from './grad-cam-plus-plus.ts';
import { gradientRollout } from './gradient-rollout.ts';
import { groupCam } from './group-cam.ts';
import { guidedBackprop } from './guided-backprop.ts';
import { guidedGradCam } from './guided-grad-cam.ts';
import { hiResCam } from './hirescam.ts';
import { isCam } from './is-cam.ts';
import { kpcaCam } from './kpca-cam.ts';
import { layerCam } from './layer-cam.ts';
import { leGrad } from './legrad.ts';
import { liftCam } from './lift-cam.ts';
import { optiCam } from './opti-cam.ts';
import { polyCam } from './poly-cam.ts';
import { randomCam } from './random-cam.ts';
import { reciproCam } from './recipro-cam.ts';
import { refineCam } from './refine-cam.ts';
import { relevanceCam } from './relevance-cam.ts';
import { rise } from './rise.ts';
import { scoreCam } from './score-cam.ts';
import { segEigenCam } from './seg-eigen-cam.ts';
import { shapleyCam } from './shapley-cam.ts';
import { smoothGradCamPlusPlus } from './smooth-grad-cam-plus-plus.ts';
import { ssCam } from './ss-cam.ts';
import { vitReciproCam } from './vit-recipro-cam.ts';
import { xGradCam } from './xgrad-cam.ts';
import { zoomCam } from './zoom-cam.ts';

/** Every method, in the order they are listed. A new one is its file and one line here. */
export const METHODS: readonly MethodDefinition[] = [
  cam,
  gradCam,
  gradCamPlusPlus,
  smoothGradCamPlusPlus,
  hiResCam,
  gradCamElementwise,
  xGradCam,
  layerCam,
  relevanceCam,
  liftCam,
  shapleyCam,
  finerCam,
  zoomCam,
  refineCam,
  fullGrad,
  guidedBackprop,
  guidedGradCam,
  scoreCam,
  ssCam,
  isCam,
  fasterScoreCam,
  groupCam,
  ablationCam,
  polyCam,
  fdCam,
  reciproCam,
  vitReciproCam,
  optiCam,
  rise,
  dRise,
  eigenCam,
  eigenGradCam,
  segEigenCam,
  kpcaCam,
  fem,
  dff,
  attentionRollout,
  gradientRollout,
  attentionGradCam,
  genericAttention,
  leGrad,
  activationMean,
  randomCam,
];

/** For `++` where it cannot be written. */
const PLUS_PLUS = ['pp', '-pp', 'plusplus', '-plus-plus'];

/** The further spellings of a method: its own aliases, all of them without hyphens, and letters for `++`. */
export function aliasesOf(method: MethodDefinition): string[] {
  const all = spellingsOf(method).flatMap(name => [name, ...PLUS_PLUS.map(letters => name.replaceAll('++', letters))]);
  return [...new Set(all)].filter(name => name !== method.name);
}

const table = new NameTable(METHODS.flatMap(method => [method.name, ...aliasesOf(method)].map(name => [name, method])));

/**
 * A method by name or alias, without regard to case, underscores or spaces.
 * @throws `ERR_METHOD_UNKNOWN` with the nearest names.
 */
export function findMethod(name: string): MethodDefinition {
  const found = table.find(name);
  if (found) return found;
  const known = METHODS.map(method => method.name);
  throw new OnnxCamError(
    'ERR_METHOD_UNKNOWN',
    `there is no method '${name}'${didYouMean(String(name).toLowerCase(), known)}; known: ${known.join(', ')}`,
  );
}
