/**
 * Loads ONNX models, explains and measures.
 * @module onnx-cam
 */
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
export type { Precision, ScoringPrecision, UsedPrecision } from './engine/precision.ts';
export type { ExecutionProvider, ExecutionProviderConfig } from './engine/providers.ts';
export type { Tensor, TensorDataByType, TensorType } from './engine/tensor.ts';
export type { Interval } from './evaluation/bootstrap.ts';
export type { Comparison } from './evaluation/compare.ts';
export type { Provenance } from './evaluation/provenance.ts';
export type { EvaluationRow, FailedRow, MapMaker, MetricRow } from './evaluation/rows.ts';
export type { DataSetEntry, EvaluationSummary, SummaryEntry } from './evaluation/summary.ts';
export type {
  EvaluateOptions,
  EvaluationRun,
  MethodSpec,
  NamedTensor,
  SavedEvaluation,
} from './explain/evaluate-options.ts';
export type { Evaluation } from './explain/evaluation.ts';
export type { MapInput } from './explain/map-at-input.ts';
export type { MeasureOptions } from './explain/measure-options.ts';
export type {
  ExplainImages,
  ExplainResult,
  PerImage,
  SingleTarget,
} from './explain/result-type.ts';
export type { ImageStream } from './explain/stream-images.ts';
export type { SupportOptions } from './explain/unsupported.ts';
export { Explainer } from './explainer.ts';
export type { ExportOptions } from './export/export-options.ts';
export type { ColormapName } from './image/colormap.ts';
export type { DecodeMode, DecodeOptions } from './image/decode-options.ts';
export type { MapSize } from './image/map-size.ts';
export type { Plane, PlaneAxis } from './image/plane.ts';
export type {
  ChannelOrder,
  Fit,
  Layout,
  PictureInterpolation,
  PreprocessOptions,
  ResolvedPreprocess,
} from './image/preprocess-options.ts';
export type { PresetName } from './image/presets.ts';
export type { MaskPicture, RawPicture } from './image/raw-picture.ts';
export type { RawData } from './image/raw-pixels.ts';
export type { ImageSource, RawImage, TensorInput } from './image/source.ts';
export type { BlobLike, BodyLike, ByteSource, WebStreamLike } from './io/byte-body.ts';
export type { StreamResult, StreamSource } from './io/picture-stream.ts';
export { load } from './load.ts';
export type { MethodOptions } from './methods/choose.ts';
export type {
  Convention,
  Family as MethodFamily,
  Fusion,
  MethodNeeds,
  ParamSpec,
  ParamValue,
  ParamValues,
} from './methods/definition.ts';
export { listMethods, type MethodInfo } from './methods/list.ts';
export type { MetricSpec } from './metrics/choose.ts';
export type {
  Direction as MetricDirection,
  MetricConvention,
  MetricFamily,
  MetricNeeds,
  MetricParam,
  MetricParams,
  MetricParamValue,
  MetricUnit,
} from './metrics/definition.ts';
export { listMetrics, type MetricInfo } from './metrics/list.ts';
export type { Measurement, Measurements, MeasurementsOf } from './metrics/measurement.ts';
export type { MetricName } from './metrics/names.ts';
export type { ExplainSource } from './network/images.ts';
export type {
  AtOnce,
  ExplainOptions,
  LayerListing,
  LayerName,
  LayerOption,
  LoadOptions,
  PredictOptions,
  StreamOptions,
} from './options.ts';
export type { BoxSearch, MapBox } from './result/boxes.ts';
export type { Connectivity } from './result/components.ts';
export type { MapContour, Point } from './result/contours.ts';
export type {
  BoxOptions,
  ContourOptions,
  ContourSearch,
  CropOptions,
  MaskOptions,
  PeakOptions,
  RectInput,
} from './result/decision-options.ts';
export { Explanation } from './result/explanation.ts';
export type {
  AppliedTechnique,
  Concepts,
  ExplainedLayer,
  ExplainedTarget,
  ExplanationFields,
  HeatMap,
  Prediction,
  RawMap,
  Runs,
  Timings,
} from './result/explanation-fields.ts';
export type { OutputOptions, RenderOptions, ValueRange } from './result/output-options.ts';
export type { MapPeak } from './result/peaks.ts';
export type { MapStatus } from './result/status.ts';
export type { Threshold } from './result/threshold.ts';
export { stream } from './stream.ts';

export type { LabelsInput } from './targets/read-labels.ts';
export type { Target, TargetInput, TargetOf } from './targets/target.ts';
export type { TechniqueOption, TechniqueSpec } from './techniques/choose.ts';
export { listTechniques, type TechniqueInfo } from './techniques/list.ts';
export type { TechniqueNeeds, TechniqueParam } from './techniques/technique.ts';
export type { GivenMask, GivenTruth, TruthInput, TruthLabel } from './truth/truth.ts';
