import { invalid, isRecord } from '../common/checks.ts';
import { shown } from '../common/shown.ts';
import { findMethod } from '../methods/registry.ts';
import type { LayerName } from '../options.ts';
import { layerName } from '../request/layer-text.ts';
import { parseTargetTexts } from '../targets/parse.ts';
import type { Target } from '../targets/target.ts';
import { findTechnique } from '../techniques/registry.ts';
import type { ExplanationRequest } from './api.ts';

/** A request for an explanation, checked and parsed as the command line does it. */
export interface Question {
  readonly model: string;
  readonly picture: string;
  /** Canonical name. */
  readonly method: string;
  readonly layer: LayerName | undefined;
  /** As it was written. */
  readonly target: string;
  readonly targets: readonly Target[];
  /** Canonical names, the first innermost. */
  readonly techniques: readonly string[];
  readonly seed: number | undefined;
}

/** Characters of a text; labels and layers of some models are long. */
const LONGEST = 4096;
const NAMES: readonly (keyof ExplanationRequest)[] = [
  ...(['model', 'picture', 'method', 'layer'] as const),
  ...(['target', 'technique', 'seed'] as const),
];

/** @throws `ERR_OPTION_INVALID`, `ERR_METHOD_UNKNOWN`; also for targets that would read files of this machine */
export function readQuestion(body: unknown): Question {
  if (!isRecord(body)) throw invalid(`a request is a JSON object, not ${shown(body)}`);
  for (const name of Object.keys(body))
    if (!NAMES.includes(name as keyof ExplanationRequest))
      throw invalid(`a request has no '${name}'; it has ${NAMES.join(', ')}`);
  const text = (name: keyof ExplanationRequest): string | undefined => {
    const value = body[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'string' && value !== '' && value.length <= LONGEST) return value;
    throw invalid(`\`${name}\` is a text of 1 to ${LONGEST} characters, not ${shown(value)}`);
  };
  const needed = (name: keyof ExplanationRequest): string => {
    const value = text(name);
    if (value === undefined) throw invalid(`\`${name}\` is missing`);
    return value;
  };
  const [model, picture, method] = [needed('model'), needed('picture'), needed('method')];
  const { seed } = body;
  if (seed !== undefined && seed !== null && !(Number.isSafeInteger(seed) && (seed as number) >= 0))
    throw invalid(`\`seed\` is a whole number of at least 0, not ${shown(seed)}`);
  const layer = text('layer');
  const target = text('target') ?? 'top1';
  const targets = parseTargetTexts(target);
  for (const one of targets) refuseFiles(one);
  return {
    model,
    picture,
    method: findMethod(method).name,
    layer: layer === undefined ? undefined : layerName(layer),
    target,
    targets,
    techniques: (text('technique')?.split(',') ?? []).map(name => findTechnique(name.trim()).name),
    seed: (seed as number | null | undefined) ?? undefined,
  };
}

/** The command line's targets may name files; here they would be those of the machine that serves. */
function refuseFiles(target: Target): void {
  switch (target.kind) {
    case 'graph':
    case 'similarity':
      throw invalid(
        `${target.kind} targets read a file, which onnx-cam serve does for nobody: use the command onnx-cam explain, or a program`,
      );
    case 'weighted':
      for (const [one] of target.terms) refuseFiles(one);
      break;
    case 'view':
    case 'output':
      refuseFiles(target.of);
  }
}
