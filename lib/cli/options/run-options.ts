import { type Command, Option } from 'commander';
import { PRECISIONS, type Precision, SCORING_PRECISIONS, type ScoringPrecision } from '../../engine/precision.ts';
import { DECODE_MODES, type DecodeMode } from '../../image/decode-options.ts';
import type { Fit } from '../../image/preprocess-options.ts';
import type { PresetName } from '../../image/presets.ts';
import type { LoadOptions } from '../../options.ts';
import { addModelChoices, type ModelChoices } from './model-choices.ts';
import { collect, defined, numbers, range, size, wholeNumber } from './option-values.ts';

/** How pictures meet the model. */
export interface PictureFlags {
  readonly preset?: PresetName;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly range?: readonly [low: number, high: number];
  readonly fit?: Fit;
  readonly size?: readonly [width: number, height: number];
  readonly labels?: string;
}

/** How pictures meet the model, and how it is run: of all commands that run one. */
export interface RunFlags extends PictureFlags, ModelChoices {
  readonly limitInputPixels?: number;
  readonly decode?: DecodeMode;
  readonly provider?: readonly string[];
  readonly precision?: Precision;
  readonly scoringPrecision?: ScoringPrecision;
  readonly threads?: number;
  readonly batchSize?: number;
  readonly debug?: boolean;
}

/** Declares the options of {@link PictureFlags}. */
export function addPictureOptions(command: Command): Command {
  return command
    .optionsGroup('How the model sees pictures (default: what files beside it or the model say, else imagenet):')
    .option('--preset <name>', 'imagenet, inception, unit (0..1), raw (0..255), clip (openai), siglip or yolo')
    .addOption(new Option('--mean <a,b,c>', 'mean of each channel').argParser(numbers).conflicts('preset'))
    .addOption(new Option('--std <a,b,c>', 'deviation of each channel').argParser(numbers).conflicts('preset'))
    .option('--range <low,high>', "the pictures' values that become 0 and 1, such as 0,4095 for 12 bits", range)
    .option('--fit <name>', 'squeeze (the whole picture), crop (its centre) or letterbox')
    .option('--size <WxH>', 'size of the input, for models that take any', size)
    .option('--labels <file>', 'class names, one a line, or JSON');
}

/** Declares the options of {@link RunFlags}. */
export function addRunOptions(command: Command): Command {
  const declared = addPictureOptions(command)
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
export function loadOptions(flags: RunFlags): LoadOptions {
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
