/**
 * Plain twins of the native kernels: the same functions without native code, synchronous, in double precision where sums
 * are concerned. They are the specification that tests compare every instruction set with, and what benchmarks race.
 */
export { affineChannelScores, affinePositionScores, affineSetScores } from './affine-scores.ts';
export { attentionGradCam, positiveRows, rollAttention } from './attention.ts';
export { AugmentedObjective, augmentedMap, observationRows } from './augmented-map.ts';
export { channelStatistics, uniformChannels } from './channel-statistics.ts';
export { kernelPca, leadingEigenpair, principalComponent } from './decompositions.ts';
export { factorize } from './factorize.ts';
export { colourStrength, gateGradients, maskColours } from './feature-values.ts';
export { fullGradTerm } from './fullgrad.ts';
export { smoothWeights } from './gradient-powers.ts';
export { imputePixels } from './impute-pixels.ts';
export { changeValues, combineValues, mapRanges, positiveMaps, scaleByMaximum } from './map-values.ts';
export { meanAtSize, normalize, resize } from './maps.ts';
export { blurPicture, multiplyByMap } from './picture-values.ts';
export { orderPixels } from './pixel-order.ts';
export { colorize, imageToTensor, overlay, resizeAntialiased, resizeAntialiasedFloat } from './pixels.ts';
export { placeMaps } from './place-maps.ts';
export { noisyCopies, normalMagnitudes, randomGrids } from './random.ts';
export {
  channelMeans,
  femMap,
  gradCamPlusPlusWeights,
  gradientProduct,
  weightedSum,
  xgradCamWeights,
} from './reductions.ts';
export { planePicture } from './tensor-picture.ts';
export { warp } from './warp.ts';
