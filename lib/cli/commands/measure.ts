import { type Command, Option } from 'commander';
import { OnnxCamError } from '../../common/errors.ts';
import { ARROWS } from '../../evaluation/summary-table.ts';
import type { MapInput } from '../../explain/map-at-input.ts';
import type { TensorInput } from '../../image/source.ts';
import { parseNpyTensor, readNpyTensor } from '../../io/npy.ts';
import type { Fusion } from '../../methods/definition.ts';
import { paramSpecs, parseParam } from '../../methods/params.ts';
import { findMethod } from '../../methods/registry.ts';
import type { Measurement, Measurements } from '../../metrics/measurement.ts';
import { isRemote, shownAddress } from '../../stores/address.ts';
import { remoteInput } from '../../stores/list-inputs.ts';
import { readRemoteInput } from '../../stores/read-input.ts';
import { parseTargetText } from '../../targets/parse.ts';
import type { CommandContext } from '../context.ts';
import { isTensorFile } from '../inputs/inputs.ts';
import { layerOption } from '../options/explain-options.ts';
import { fusionOption } from '../options/fusion-option.ts';
import { addMetricOptions, type MetricFlags, metricSpecs } from '../options/metric-options.ts';
import { readModelChoices } from '../options/model-choices.ts';
import { collect, defined, param, wholeNumber } from '../options/option-values.ts';
import { addRunOptions, loadOptions, type RunFlags } from '../options/run-options.ts';
import { addTechniqueOptions, type TechniqueFlags, techniqueOption } from '../options/technique-option.ts';
import { openModel } from '../run/open-model.ts';
import { EXIT } from '../tell/failure.ts';
import { formatTable } from '../tell/table.ts';

interface MeasureFlags extends RunFlags, MetricFlags, TechniqueFlags {
  readonly map: readonly string[];
  readonly method?: string;
  readonly param: readonly (readonly [name: string, value: string])[];
  readonly layer?: readonly string[];
  readonly fusion?: Fusion;
  readonly target?: string;
  readonly seed?: number;
  readonly json?: boolean;
}

/** `onnx-cam measure MODEL INPUT --map FILE.npy...`: maps from anywhere, judged. */
export function addMeasure(program: Command, context: CommandContext, finish: (code: number) => void): void {
  const command = program
    .command('measure')
    .argument('<model>', 'the .onnx file, or its https:// or s3:// address')
    .argument('<input>', 'a picture, or a .npy file with a float32 tensor [C,H,W]; or its https:// or s3:// address')
    .summary('judge maps of a picture')
    .description(
      'Judges maps of a picture, from this program or any other: does the map tell what the model looked at?',
    )
    .optionsGroup('What to judge:')
    .requiredOption(
      '--map <file...>',
      "maps as .npy files [h,w] of float32, such as those of `explain --save map`: at the size of the model's input, of the picture, or of a layer",
    );
  const described = addMetricOptions(command)
    .option('-t, --target <target>', 'the class that the maps are about, as of `explain` (default: top1)')
    .option('-m, --method <name>', 'what made the maps, for metrics that explain again')
    .addOption(
      new Option('--param <name=value>', "the method's parameter, repeated for several")
        .argParser(param)
        .default([], 'none'),
    )
    .option('-l, --layer <name>', "the method's layer, repeated for several", collect)
    .addOption(fusionOption())
    .option('--seed <n>', 'seed of everything random (default: 0)', wholeNumber(0))
    .option('--json', 'a JSON object for each map and metric on standard output, a line each');
  addRunOptions(addTechniqueOptions(described)).action(async (model: string, input: string, flags: MeasureFlags) => {
    finish(await measure(context, model, input, flags));
  });
}

async function measure(context: CommandContext, path: string, input: string, flags: MeasureFlags): Promise<number> {
  const has = { truth: flags.truth !== undefined, method: flags.method !== undefined };
  const metrics = metricSpecs(flags, has, context.console);
  const target = flags.target === undefined ? undefined : parseTargetText(flags.target);
  const params = methodParams(flags);
  const maps = await Promise.all(flags.map.map(readMap));
  const image = await imageOf(input, context.signal);
  const options = { ...loadOptions(flags), ...(await readModelChoices(flags)) };
  const model = await openModel(context, path, { ...options, signal: context.signal });
  try {
    const { truth, method, convention, fusion, seed, batchSize } = flags;
    const layer = layerOption(flags.layer);
    const technique = techniqueOption(flags);
    const how = defined({
      metrics,
      target,
      convention,
      truth,
      method,
      params,
      layer,
      fusion,
      technique,
      seed,
      batchSize,
    });
    const results = await model.measure(image, { maps, ...how, signal: context.signal });
    await tell(context, shownAddress(input), flags, results);
  } finally {
    await model.dispose();
  }
  return EXIT.done;
}

function methodParams({ method, param: given }: MeasureFlags): Readonly<Record<string, unknown>> | undefined {
  if (given.length === 0) return undefined;
  if (method === undefined)
    throw new OnnxCamError('ERR_USAGE', '--param is a parameter of the method that made the maps; give --method');
  const definition = findMethod(method);
  const known = paramSpecs(definition);
  return Object.fromEntries(
    given.map(([name, text]) => [name, name in known ? parseParam(definition, name, text) : text]),
  );
}

/** A path, a picture that was fetched, or a tensor. */
async function imageOf(input: string, signal: AbortSignal): Promise<string | File | TensorInput> {
  const isTensor = isTensorFile(input);
  if (!isRemote(input)) return isTensor ? await readNpyTensor(input) : input;
  const { path, url } = remoteInput(input);
  const bytes = await readRemoteInput({ path, url }, { signal });
  return isTensor ? parseNpyTensor(bytes, path) : new File([bytes], path);
}

/** [h, w], or with leading dimensions of 1. */
async function readMap(path: string): Promise<MapInput> {
  const { data, dims, type } = await readNpyTensor(path);
  const sizes = dims.length > 2 && dims.slice(0, -2).every(dim => dim === 1) ? dims.slice(-2) : dims;
  const [height, width] = sizes;
  if (sizes.length !== 2 || !height || !width || (type !== 'float32' && type !== 'float64'))
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `${path} holds ${type} [${dims}]; a map is an array [h,w] of float32, as array.astype('<f4') gives`,
    );
  return { data: Float32Array.from(data as Float32Array | Float64Array), width, height };
}

async function tell(
  { console }: CommandContext,
  input: string,
  { map: paths, json }: MeasureFlags,
  results: readonly Measurements[],
): Promise<void> {
  const warned = new Set<string>();
  for (const [m, measurements] of results.entries()) {
    const map = paths[m]!;
    for (const { metric, warnings } of Object.values(measurements))
      for (const warning of warnings)
        if (!warned.has(`${map}: ${warning}`)) {
          warned.add(`${map}: ${warning}`);
          console.warn(`${map}: ${metric}: ${warning}`);
        }
    if (json)
      for (const measurement of Object.values(measurements))
        await console.print(JSON.stringify({ input, map, ...measurement }));
  }
  if (!json) await console.print(...measurementTable(paths, results));
}

/** A line for each metric, a column for each map; below it why values are missing, or say less than they seem to. */
function measurementTable(paths: readonly string[], results: readonly Measurements[]): string[] {
  const names = Object.keys(results[0] ?? {});
  /** Names by reason: several metrics often have the same. */
  const reasons = new Map<string, Set<string>>();
  const cell = ({ metric, value, reason }: Measurement) => {
    const why = reason ?? (value === null ? 'no value' : null);
    if (why !== null) reasons.set(why, (reasons.get(why) ?? new Set()).add(metric));
    if (value === null) return '–';
    return String(Number.isInteger(value) ? value : Number(value.toPrecision(6)));
  };
  const rows = names.map(name => {
    const { direction, unit } = results[0]![name]!;
    return [name, ARROWS[direction], ...results.map(measurements => cell(measurements[name]!)), unit];
  });
  return [
    ...formatTable(['metric', '', ...paths, 'unit'], rows),
    ...[...reasons].map(([reason, of]) => `${[...of].join(', ')}: ${reason}`),
  ];
}
