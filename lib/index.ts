export { type ErrorCode, OnnxCamError } from './common/errors.ts';
export type { Progress } from './common/progress.ts';
export {
  type ComputedMap,
  type ComputeMapOptions,
  computeMap,
  type MapTensor,
  type MapTensors,
} from './compute-map.ts';
export { type ComparedMap, type CorrelationOptions, correlation } from './correlation.ts';
export type { Precision, ScoringPrecision } from './engine/precision.ts';
export type { ExecutionProvider } from './engine/providers.ts';
export type { Tensor, TensorType } from './engine/tensor.ts';
export type { EvaluationRow, FailedRow, MetricRow } from './evaluation/rows.ts';
export type { EvaluationSummary } from './evaluation/summary.ts';
export type { EvaluateOptions } from './explain/evaluate-options.ts';
export type { Evaluation } from './explain/evaluation.ts';
export type { MapInput } from './explain/map-at-input.ts';
export type { MeasureOptions } from './explain/measure-options.ts';
export type { ExplainResult } from './explain/result-type.ts';
export type { ImageStream } from './explain/stream-images.ts';
export { Explainer } from './explainer.ts';
export type { PreprocessOptions, ResolvedPreprocess } from './image/preprocess-options.ts';
export type { MaskPicture, RawPicture } from './image/raw-picture.ts';
export type { ByteSource } from './io/byte-body.ts';
export type { StreamResult, StreamSource } from './io/picture-stream.ts';
export { load } from './load.ts';
export type { Convention, Fusion } from './methods/definition.ts';
export { listMethods, type MethodInfo } from './methods/list.ts';
export type { MetricConvention } from './metrics/definition.ts';
export { listMetrics, type MetricInfo } from './metrics/list.ts';
export type { Measurement, Measurements, MeasurementsOf } from './metrics/measurement.ts';
export type { MetricName } from './metrics/names.ts';
export type { ExplainSource } from './network/images.ts';
export type { ExplainOptions, LayerListing, LoadOptions, PredictOptions, StreamOptions } from './options.ts';
export type { MapBox } from './result/boxes.ts';
export type { MapContour, Point } from './result/contours.ts';
export type {
  BoxOptions,
  ContourOptions,
  CropOptions,
  MaskOptions,
  PeakOptions,
  RectInput,
} from './result/decision-options.ts';
export {
  type AppliedTechnique,
  type Concepts,
  type ExplainedLayer,
  type ExplainedTarget,
  Explanation,
  type HeatMap,
  type Prediction,
  type RawMap,
  type Runs,
  type Timings,
} from './result/explanation.ts';
export type { OutputOptions, RenderOptions, ValueRange } from './result/output-options.ts';
export type { MapPeak } from './result/peaks.ts';
export type { MapStatus } from './result/status.ts';
export type { Threshold } from './result/threshold.ts';
export { stream } from './stream.ts';

export type { Target, TargetInput } from './targets/target.ts';
export type { TechniqueOption, TechniqueSpec } from './techniques/choose.ts';
export { listTechniques, type TechniqueInfo } from './techniques/list.ts';
