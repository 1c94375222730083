/**
 * The native kernels: typed, checked, asynchronous. Small work is done at once, larger work off the event loop.
 * @module onnx-cam/kernels
 */
export {
  femMap,
  femWeights,
  type KernelPcaKernel,
  type KernelPcaOptions,
  kernelPca,
  type PrincipalComponentOptions,
  principalComponent,
} from './decompositions.ts';
export { type FactorizeOptions, type Factors, factorize } from './factorize.ts';
export type { FeatureMaps } from './features.ts';
export { gradCamPlusPlusWeights, type PlusPlusMode, xgradCamWeights } from './gradient-weights.ts';
export { normalize, resize } from './maps.ts';
export {
  colorize,
  type DeepImage,
  type ImageToTensorOptions,
  imageToTensor,
  overlay,
  type PixelImage,
  type PixelMap,
  type ResizeAntialiasedOptions,
  resizeAntialiased,
  resizeAntialiasedDeep,
  resizeAntialiasedFloat,
} from './pixels.ts';
export { placeMaps } from './place-maps.ts';
export { channelMeans, gradientProduct, type ProductForm, weightedSum } from './reductions.ts';
export { type KernelTier, kernelThreads, kernelTier, kernelTiers, setKernelThreads, setKernelTier } from './tier.ts';
export type { AxisPlacement, Maps, NormalizeKind, NormalizeOptions, ResizeOptions } from './types.ts';
