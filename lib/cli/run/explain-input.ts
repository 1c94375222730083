import type { ExplainResult } from '../../explain/result-type.ts';
import { parseNpyTensor, readNpyTensor } from '../../io/npy.ts';
import type { ExplainOptions } from '../../options.ts';
import type { Explanation } from '../../result/explanation.ts';
import { isRemote } from '../../stores/address.ts';
import { readRemoteInput } from '../../stores/read-input.ts';
import type { Target } from '../../targets/target.ts';
import type { InputFile } from '../inputs/inputs.ts';
import type { FileImage, LoadedModel } from '../library.ts';
import type { ResultName } from './output-files.ts';

/** One map of an input, with what its files are called. */
export interface NamedExplanation {
  readonly name: ResultName;
  readonly explanation: Explanation;
}

/** What is asked of every image of a file. */
export type FileOptions = Omit<ExplainOptions, 'target'> & {
  readonly methods: readonly string[];
  readonly target?: Target | readonly Target[];
};

/** Explains one file with every method and target; results in the order images, methods, targets. */
export async function explainInput(
  model: LoadedModel,
  file: InputFile,
  { target, ...options }: FileOptions,
): Promise<NamedExplanation[]> {
  const image = await imageOf(file, options.signal);
  // Several targets are those of every image of a tensor.
  const result = await model.explain(image, { ...options, target: Array.isArray(target) ? [target] : target });
  // A tensor with N > 1 stands for several images.
  const images = (file.isTensor ? result : [result]) as ExplainResult[][];
  const isBatch = images.length > 1;
  return images.flatMap((methods, index) =>
    methods.flatMap(targets => {
      const image = isBatch ? index : undefined;
      if (!Array.isArray(targets)) return named(file, targets, image);
      // Targets of one class (281, negative:281) have numbers behind its index.
      const times = new Map<number, number>();
      return (targets as (Explanation | Explanation[])[]).flat().map(explanation => {
        const { index } = explanation.target;
        const time = (times.get(index) ?? 0) + 1;
        times.set(index, time);
        return named(file, explanation, image, time === 1 ? `${index}` : `${index}-${time}`);
      });
    }),
  );
}

function named(file: InputFile, explanation: Explanation, image?: number, target?: string): NamedExplanation {
  return { name: { stem: file.stem, image, target, method: explanation.method }, explanation };
}

/** What lies on a server is fetched now. Tensors are of float32 or of the type of the model's input, which the explainer checks. */
async function imageOf({ path, url, isTensor }: InputFile, signal?: AbortSignal): Promise<FileImage> {
  if (!isRemote(path)) return isTensor ? [await readNpyTensor(path)] : path;
  const bytes = await readRemoteInput({ path, url }, { signal });
  return isTensor ? [parseNpyTensor(bytes, path)] : new File([bytes], path);
}
