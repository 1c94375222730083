import type { EvaluateOptions, EvaluationRun, NamedTensor } from '../explain/evaluate-options.ts';
import type { MeasureOptions } from '../explain/measure-options.ts';
import type { ExplainResult } from '../explain/result-type.ts';
import type { Explainer } from '../explainer.ts';
import type { TensorInput } from '../image/source.ts';
import type { MethodInfo } from '../methods/list.ts';
import type { MetricInfo } from '../metrics/list.ts';
import type { Measurements } from '../metrics/measurement.ts';
import type { ExplainOptions, LoadOptions } from '../options.ts';
import type { TechniqueInfo } from '../techniques/list.ts';

/** What the commands use of the module's public API; tests pass one of their own. */
export interface Library {
  load(model: string, options: LoadOptions): Promise<LoadedModel>;
  listMethods(): readonly MethodInfo[];
  listMetrics(): readonly MetricInfo[];
  listTechniques(): readonly TechniqueInfo[];
}

/** The content of a file: its path, a picture that was fetched, or a tensor, which may be several images. */
export type FileImage = string | File | readonly TensorInput[];

export interface LoadedModel
  extends Pick<Explainer, 'layers' | 'unsupported' | 'export' | 'sha256' | 'dispose' | 'concurrency'> {
  explain(image: FileImage, options: ExplainOptions): Promise<ExplainResult>;
  /** Of several maps. */
  measure(
    image: string | File | TensorInput,
    options: MeasureOptions & Required<Pick<MeasureOptions, 'maps'>>,
  ): Promise<Measurements[]>;
  evaluate(source: AsyncIterable<string | NamedTensor>, options: EvaluateOptions): EvaluationRun;
}
