import { type Command, InvalidArgumentError, Option } from 'commander';
import { OnnxCamError } from '../../common/errors.ts';
import { CONVENTIONS } from '../../methods/definition.ts';
import { paramSpecs, parseParam } from '../../methods/params.ts';
import { findMethod } from '../../methods/registry.ts';
import type { ExplainOptions, LayerOption } from '../../options.ts';
import { layerName } from '../../request/layer-text.ts';
import { parseTargetTexts } from '../../targets/parse.ts';
import type { Target } from '../../targets/target.ts';
import type { ExplainFlags } from './explain-flags.ts';
import { fusionOption } from './fusion-option.ts';
import { collect, defined, names, param, threshold, wholeNumber } from './option-values.ts';
import { outOption } from './out-option.ts';
import { chunkOption, enqueueOption } from './queue-option.ts';
import { addRunOptions } from './run-options.ts';
import { SAVE_FORMATS, SAVE_KINDS, type SaveKind, type SaveOptions } from './save-option.ts';
import { addTechniqueOptions, techniqueOption } from './technique-option.ts';

/** Declares the arguments and options of `explain`. */
export function addExplainOptions(command: Command): Command {
  const declared = command
    .argument('<model>', 'the .onnx file, or its https:// or s3:// address')
    .argument(
      '[input...]',
      'pictures, folders with their subfolders, globs, or .npy files with a float32 tensor [C,H,W] or [N,C,H,W], for volumes [C,D,H,W] or [N,C,D,H,W]; https:// and s3:// addresses of such, and s3://BUCKET/PREFIX/',
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
      'repeated for several: 281, tabby, top1, top3, 281,282 (both), contrast:281,282, negative:281, rest:281, probability:281, segmentation:12, detection:17, detection:17@X,Y,W,H, similarity:PICTURE, graph:FILE, output=NAME:5 (default: top1)',
      collect,
    )
    .addOption(new Option('--convention <name>', 'whose formulas and post-processing').choices(CONVENTIONS))
    .addOption(fusionOption())
    .addOption(
      new Option('--param <name=value>', "a method's parameter, repeated for several (see `onnx-cam methods --json`)")
        .argParser(param)
        .default([], 'none'),
    )
    .option('--seed <n>', 'seed of everything random (default: 0)', wholeNumber(0));
  const sharpened = addTechniqueOptions(declared)
    .optionsGroup('What to write:')
    .addOption(outOption(undefined, 'output folder, or s3://BUCKET/PREFIX, or an https:// address that takes PUT'))
    .addOption(
      new Option('--save <kinds>', `files for each result, some of ${SAVE_KINDS.join(',')}`)
        .argParser(saveKinds)
        .default(['overlay', 'map'], 'overlay,map'),
    )
    .addOption(
      new Option('--format <name>', 'of heat maps and overlays (masks are PNG)').choices(SAVE_FORMATS).default('png'),
    )
    .option('--quality <n>', 'of jpeg and webp, 1 to 100 (default: 92)', wholeNumber(1, 100))
    .addOption(
      new Option('--max-size <n>', "pixels of the longer side of what is written, or 'none' for the picture's own")
        .argParser(maxSize)
        .default(1024),
    )
    .option(
      '--boxes',
      "the box around the largest part of each map, in the picture's pixels: in the manifest, with --json, and drawn on overlays",
    )
    .addOption(
      new Option(
        '--threshold <form>',
        'what belongs to boxes and masks: 0.3 (values above it), max:0.15 (a share of the maximum), q:0.9 (a quantile), otsu, sd:1 (deviations above the mean) (default: max:0.15)',
      ).argParser(threshold),
    )
    .option(
      '--report',
      'index.html too, one page to look at all results, which works offline and can be sent; its maps are saved as --save map does',
    )
    .option('--pictures <n>', 'the first n pictures are in the page (default: 1000)', wholeNumber(0))
    .option(
      '--sheet',
      'contact-sheet.png too: methods in rows, the first 8 pictures with their targets in columns (default: with -m all)',
    )
    .option('--no-sheet', 'without it')
    .option('--show', 'print the overlays, on a terminal that shows pictures (kitty, iTerm2, sixel)')
    .option('--json', 'a JSON object for each result on standard output, a line each')
    .optionsGroup('Many inputs:')
    .option('--inputs-from <file>', 'names of inputs too, one a line; - reads them from standard input')
    .option('--resume', 'go on with what is in the folder: what is done is not done again, but for what failed')
    .option('--retry-failed', 'the same, and what failed is done again')
    .option(
      '--shard <i/n>',
      'part i of n of the sorted inputs, i from 0 or from 1; its manifest is manifest-IofN.jsonl (default: what JOB_COMPLETION_INDEX with JOB_COMPLETIONS, SLURM_ARRAY_TASK_ID or AWS_BATCH_JOB_ARRAY_INDEX say)',
    )
    .option('--no-shard', 'all of them, whatever these say')
    .addOption(enqueueOption())
    .addOption(chunkOption());
  return addRunOptions(sharpened);
}

/**
 * What is written of each result.
 * @throws `ERR_USAGE` for a threshold or a quality that nothing reads
 */
export function saveOptions({ save, format, quality, boxes, threshold, report }: ExplainFlags): SaveOptions {
  if (threshold !== undefined && !boxes && !save.includes('mask'))
    throw new OnnxCamError(
      'ERR_USAGE',
      '--threshold says what belongs to boxes and masks: give --boxes or --save mask too',
    );
  if (quality !== undefined && format === 'png')
    throw new OnnxCamError(
      'ERR_USAGE',
      '--quality is of jpeg and webp, PNG loses nothing: give --format jpeg or webp too',
    );
  const kinds = report && !save.includes('map') ? [...save, 'map' as const] : save;
  return { kinds, format, quality, boxes, threshold };
}

/** The options of `explain` that hold for every method; the command line has the same targets for all pictures. */
export interface CommonOptions
  extends Pick<ExplainOptions, 'layer' | 'convention' | 'fusion' | 'technique' | 'batchSize' | 'seed' | 'mapSize'> {
  readonly target: Target | readonly Target[];
}

/**
 * What every picture is asked, but for the methods.
 * @throws `ERR_OPTION_INVALID` for a target that cannot be read
 */
export function explainOptions(flags: ExplainFlags): CommonOptions {
  return {
    target: targetOption(flags.target ?? ['top1']),
    ...defined({
      layer: layerOption(flags.layer),
      convention: flags.convention,
      fusion: flags.fusion,
      technique: techniqueOption(flags),
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
export function paramValues(
  flags: Pick<ExplainFlags, 'param'>,
  methods: readonly string[],
): Readonly<Record<string, unknown>> {
  const definitions = methods.map(findMethod);
  return Object.fromEntries(
    flags.param.map(([name, text]) => {
      const owner = definitions.find(definition => name in paramSpecs(definition)) ?? definitions[0]!;
      return [name, parseParam(owner, name, text)];
    }),
  );
}

/** One target, or several. */
function targetOption(given: readonly string[]): Target | Target[] {
  const targets = given.flatMap(parseTargetTexts);
  return targets.length === 1 ? targets[0]! : targets;
}

/** One layer, or several that are fused. */
export function layerOption(given: readonly string[] | undefined): LayerOption | undefined {
  const layers = given?.map(layerName);
  return layers?.length === 1 ? layers[0] : layers;
}

function saveKinds(text: string): SaveKind[] {
  const kinds = text.split(',').map(kind => kind.trim());
  for (const kind of kinds)
    if (!SAVE_KINDS.includes(kind as SaveKind))
      throw new InvalidArgumentError(`expected some of ${SAVE_KINDS.join(', ')} separated by commas, not '${kind}'.`);
  return [...new Set(kinds as SaveKind[])];
}

function maxSize(text: string): number | 'none' {
  return text === 'none' ? text : wholeNumber(1)(text);
}
