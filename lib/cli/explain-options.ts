import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Precision, ScoringPrecision } from '../engine/precision.ts';
import { PRECISIONS, SCORING_PRECISIONS } from '../engine/precision.ts';
import { DECODE_MODES, type DecodeMode } from '../image/decode-options.ts';
import type { Fit, PresetName } from '../image/preprocess-options.ts';
import { CONVENTIONS, type Convention } from '../methods/definition.ts';
import { paramSpecs, parseParam } from '../methods/params.ts';
import { findMethod } from '../methods/registry.ts';
import type { ExplainOptions, LayerName, LoadOptions } from '../options.ts';
import { parseTargetText } from '../targets/parse.ts';
import type { Target } from '../targets/target.ts';
import { addModelChoices, type ModelChoices } from './model-choices.ts';
import { outOption } from './out-option.ts';
import { SAVE_FORMATS, SAVE_KINDS, type SaveFormat, type SaveKind } from './output-files.ts';

/** The options as commander gives them, values parsed one by one. */
export interface ExplainFlags extends ModelChoices {
  readonly method: readonly string[];
  readonly layer?: readonly string[];
  readonly target: string;
  readonly out: string;
  readonly save: readonly SaveKind[];
  readonly format: SaveFormat;
  /** Pixels of the longer side; 'none': the picture's. */
  readonly maxSize: number | 'none';
  readonly json?: boolean;
  readonly preset?: PresetName;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly range?: readonly [low: number, high: number];
  readonly fit?: Fit;
  readonly size?: readonly [width: number, height: number];
  readonly labels?: string;
  readonly limitInputPixels?: number;
  readonly decode?: DecodeMode;
  readonly convention?: Convention;
  readonly param: readonly (readonly [name: string, value: string])[];
  readonly provider?: readonly string[];
  readonly precision?: Precision;
  readonly scoringPrecision?: ScoringPrecision;
  readonly threads?: number;
  readonly batchSize?: number;
  readonly seed?: number;
  readonly debug?: boolean;
}

/** Declares the arguments and options of `explain`. */
export function addExplainOptions(command: Command): Command {
  const declared = command
    .argument('<model>', 'the .onnx file')
    .argument(
      '<input...>',
      'pictures, folders with their subfolders, globs, or .npy files with a float32 tensor [C,H,W] or [N,C,H,W], for volumes [C,D,H,W] or [N,C,D,H,W]',
    )
    .optionsGroup('What to explain:')
    .addOption(
      new Option('-m, --method <names>', "a method, several with commas, or 'all' (see `onnx-cam methods`)")
        .argParser(names)
        .default(['grad-cam'], 'grad-cam'),
    )
    .option(
      '-l, --layer <name>',
      'a layer, repeated for several (see `onnx-cam layers`); -1 is the last, stages the last of each size (default: chosen for the model)',
      collect,
    )
    .option(
      '-t, --target <target>',
      '281, tabby, top1, top3, contrast:281,282, negative:281, rest:281, probability:281, segmentation:12, detection:17, detection:17@X,Y,W,H, similarity:PICTURE, graph:FILE, output=NAME:5',
      'top1',
    )
    .addOption(new Option('--convention <name>', 'whose formulas and post-processing').choices(CONVENTIONS))
    .addOption(
      new Option('--param <name=value>', "a method's parameter, repeated for several (see `onnx-cam methods --json`)")
        .argParser(param)
        .default([], 'none'),
    )
    .option('--seed <n>', 'seed of everything random (default: 0)', wholeNumber(0))
    .optionsGroup('What to write:')
    .addOption(outOption())
    .addOption(
      new Option('--save <kinds>', `files for each result, some of ${SAVE_KINDS.join(',')}`)
        .argParser(saveKinds)
        .default(['overlay', 'map'], 'overlay,map'),
    )
    .addOption(new Option('--format <name>', 'of heat maps and overlays').choices(SAVE_FORMATS).default('png'))
    .addOption(
      new Option('--max-size <n>', "pixels of the longer side of what is written, or 'none' for the picture's own")
        .argParser(maxSize)
        .default(1024),
    )
    .option('--json', 'a JSON object for each result on standard output, a line each')
    .optionsGroup('How the model sees pictures (default: what files beside it or the model say, else imagenet):')
    .option('--preset <name>', 'imagenet, inception, unit (0..1) or raw (0..255)')
    .addOption(new Option('--mean <a,b,c>', 'mean of each channel').argParser(numbers).conflicts('preset'))
    .addOption(new Option('--std <a,b,c>', 'deviation of each channel').argParser(numbers).conflicts('preset'))
    .option('--range <low,high>', "the pictures' values that become 0 and 1, such as 0,4095 for 12 bits", range)
    .option('--fit <name>', 'squeeze (the whole picture), crop (its centre) or letterbox')
    .option('--size <WxH>', 'size of the input, for models that take any', size)
    .option('--labels <file>', 'class names, one a line, or JSON')
    .option(
      '--limit-input-pixels <n>',
      'refuse pictures of more pixels (default: 268402689; 0: no limit)',
      wholeNumber(0),
    )
    .addOption(
      new Option('--decode <mode>', 'fast: JPEG and WebP at the smallest scale that suffices (default: exact)').choices(
        DECODE_MODES,
      ),
    );
  return addModelChoices(declared)
    .optionsGroup('How to run:')
    .option('--provider <name>', 'execution provider (cpu, cuda …), repeated in order of preference', collect)
    .addOption(new Option('--precision <name>', 'arithmetic on a GPU').choices(PRECISIONS))
    .addOption(
      new Option('--scoring-precision <name>', 'arithmetic of runs on changed pictures, on a CPU').choices(
        SCORING_PRECISIONS,
      ),
    )
    .option('--threads <n>', 'thread budget (default: physical cores)', wholeNumber(1))
    .option('--batch-size <n>', 'images in one run of the model', wholeNumber(1))
    .option('--debug', 'stack traces of errors');
}

/** The model's part of the options. */
export function loadOptions(flags: ExplainFlags): LoadOptions {
  const { mean, std, range, size, fit, preset } = flags;
  const preprocess = { preset, mean, std, range, size, fit };
  const given = Object.values(preprocess).some(value => value !== undefined);
  return defined({
    executionProviders: flags.provider,
    intraOpNumThreads: flags.threads,
    precision: flags.precision,
    scoringPrecision: flags.scoringPrecision,
    labels: flags.labels,
    limitInputPixels: flags.limitInputPixels,
    decode: flags.decode,
    preprocess: given ? defined(preprocess) : undefined,
  }) as LoadOptions;
}

/** The options of `explain` that hold for every method; the command line has one target for all pictures. */
export interface CommonOptions extends Pick<ExplainOptions, 'layer' | 'convention' | 'batchSize' | 'seed' | 'mapSize'> {
  readonly target: Target;
}

/**
 * What every picture is asked, but for the methods.
 * @throws `ERR_OPTION_INVALID` for a target that cannot be read
 */
export function explainOptions(flags: ExplainFlags): CommonOptions {
  const layers = flags.layer?.map(layerName);
  return {
    target: parseTargetText(flags.target),
    ...defined({
      layer: layers?.length === 1 ? layers[0] : layers,
      convention: flags.convention,
      batchSize: flags.batchSize,
      seed: flags.seed,
      mapSize: flags.maxSize === 'none' ? undefined : { max: flags.maxSize },
    }),
  };
}

/**
 * The parameters as values, by the types that the methods declare; each method takes those that it has.
 * @throws `ERR_OPTION_INVALID` for a value of the wrong type, `ERR_METHOD_UNKNOWN`
 */
export function paramValues(flags: ExplainFlags, methods: readonly string[]): Readonly<Record<string, unknown>> {
  const definitions = methods.map(findMethod);
  return Object.fromEntries(
    flags.param.map(([name, text]) => {
      const owner = definitions.find(definition => name in paramSpecs(definition)) ?? definitions[0]!;
      return [name, parseParam(owner, name, text)];
    }),
  );
}

/** A whole number is a candidate's place; the explainer looks for a tensor of that name first. */
function layerName(text: string): LayerName {
  return /^-\d+$/.test(text) ? Number(text) : text;
}

function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

function names(text: string): string[] {
  const list = text.split(',').map(name => name.trim());
  if (list.includes('')) throw new InvalidArgumentError('expected method names separated by commas.');
  return list;
}

function saveKinds(text: string): SaveKind[] {
  const kinds = text.split(',').map(kind => kind.trim());
  for (const kind of kinds)
    if (!SAVE_KINDS.includes(kind as SaveKind))
      throw new InvalidArgumentError(`expected some of ${SAVE_KINDS.join(', ')} separated by commas, not '${kind}'.`);
  return [...new Set(kinds as SaveKind[])];
}

function param(text: string, previous: readonly (readonly [string, string])[]): (readonly [string, string])[] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('expected name=value.');
  return [...previous, [text.slice(0, at).trim(), text.slice(at + 1).trim()]];
}

function numbers(text: string): number[] {
  const values = text.split(',').map(part => (part.trim() === '' ? Number.NaN : Number(part)));
  if (!values.every(Number.isFinite)) throw new InvalidArgumentError('expected numbers separated by commas.');
  return values;
}

function range(text: string): [number, number] {
  const [low, high, ...more] = numbers(text);
  if (low === undefined || high === undefined || low === high || more.length > 0)
    throw new InvalidArgumentError('expected two different numbers, such as 0,4095.');
  return [low, high];
}

export function size(text: string): [number, number] {
  const match = /^([1-9]\d*)x([1-9]\d*)$/i.exec(text);
  if (!match) throw new InvalidArgumentError('expected WIDTHxHEIGHT in pixels, such as 224x224.');
  return [Number(match[1]), Number(match[2])];
}

function maxSize(text: string): number | 'none' {
  return text === 'none' ? text : wholeNumber(1)(text);
}

function wholeNumber(min: number): (text: string) => number {
  return text => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < min)
      throw new InvalidArgumentError(`expected a whole number of at least ${min}.`);
    return value;
  };
}

function defined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}
