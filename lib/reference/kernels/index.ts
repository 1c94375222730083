/**
 * Plain twins of the native kernels: the same functions without native code, synchronous, in double precision where sums
 * are concerned. They are the specification that tests compare every instruction set with, and what benchmarks race.
 */
export { kernelPca, leadingEigenpair, principalComponent } from './decompositions.ts';
export { factorize } from './factorize.ts';
export { normalize, resize } from './maps.ts';
export { colorize, imageToTensor, overlay, resizeAntialiased, resizeAntialiasedFloat } from './pixels.ts';
export { placeMaps } from './place-maps.ts';
export {
  channelMeans,
  femMap,
  gradCamPlusPlusWeights,
  gradientProduct,
  weightedSum,
  xgradCamWeights,
} from './reductions.ts';
