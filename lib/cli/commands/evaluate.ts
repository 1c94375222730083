import { type Command, Option } from 'commander';
import { OnnxCamError } from '../../common/errors.ts';
import { isFailed } from '../../evaluation/rows.ts';
import type { EvaluateOptions, EvaluationRun, NamedTensor } from '../../explain/evaluate-options.ts';
import { readNpyTensor } from '../../io/npy.ts';
import type { Fusion } from '../../methods/definition.ts';
import { paramSpecs, parseParam } from '../../methods/params.ts';
import { findMethod } from '../../methods/registry.ts';
import { layerName } from '../../request/layer-text.ts';
import { isRemote, shownAddress } from '../../stores/address.ts';
import { LocalStore } from '../../stores/local-store.ts';
import { parseTargetText } from '../../targets/parse.ts';
import type { CommandContext } from '../context.ts';
import { explainedInputs } from '../inputs/explained-inputs.ts';
import { type CommandInput, expandInputs } from '../inputs/inputs.ts';
import type { LoadedModel } from '../library.ts';
import { fitToModel, namedMethods } from '../options/choose-methods.ts';
import { fusionOption } from '../options/fusion-option.ts';
import { addMetricOptions, type MetricFlags, metricSpecs } from '../options/metric-options.ts';
import { readModelChoices } from '../options/model-choices.ts';
import { collect, defined, names, param, wholeNumber } from '../options/option-values.ts';
import { outOption } from '../options/out-option.ts';
import { addRunOptions, loadOptions, type RunFlags } from '../options/run-options.ts';
import { addTechniqueOptions, type TechniqueFlags, techniqueOption } from '../options/technique-option.ts';
import { openModel } from '../run/open-model.ts';
import { evaluationTable } from '../tell/evaluation-table.ts';
import { EXIT, failureLines, usageError } from '../tell/failure.ts';
import { oneLine, plural } from '../tell/text.ts';

interface EvaluateFlags extends RunFlags, MetricFlags, TechniqueFlags {
  readonly method: readonly string[];
  readonly param: readonly (readonly [name: string, value: string])[];
  readonly layer?: readonly string[];
  readonly fusion?: Fusion;
  readonly target: string;
  readonly controls: boolean;
  readonly only?: 'correct';
  readonly limit?: number;
  readonly seed?: number;
  readonly resume?: boolean;
  readonly pictures?: number;
  readonly out: string;
  readonly json?: boolean;
}

/** `onnx-cam evaluate MODEL INPUT...`: methods judged over many pictures. */
export function addEvaluate(program: Command, context: CommandContext, finish: (code: number) => void): void {
  const command = program
    .command('evaluate')
    .argument('<model>', 'the .onnx file, or its https:// or s3:// address')
    .argument(
      '<input...>',
      'pictures, folders with their subfolders, globs, .npy files with float32 tensors, or what `explain` wrote: then the inputs that it explained',
    )
    .summary('judge methods over many pictures')
    .description(
      'Judges methods over many pictures, beside maps that have not seen the model: a table, metrics.csv, curves.json, summary.json, pictures.jsonl and a page to look at, index.html.',
    )
    .optionsGroup('What to judge:')
    .addOption(
      new Option('-m, --method <names>', "a method, several with commas, or 'all' (see `onnx-cam methods`)")
        .argParser(names)
        .default(['grad-cam'], 'grad-cam'),
    )
    .addOption(
      new Option('--param <name=value>', "a method's parameter, repeated for several (see `onnx-cam methods --json`)")
        .argParser(param)
        .default([], 'none'),
    )
    .option('-l, --layer <name>', 'a layer; repeated: every method at each (default: chosen for the model)', collect)
    .addOption(fusionOption())
    .option('-t, --target <target>', "as of `explain`, or 'label': the class that the truth names", 'top1');
  const described = addMetricOptions(addTechniqueOptions(command))
    .option('--no-controls', 'without the random, centred and constant maps')
    .addOption(new Option('--only <which>', "correct: pictures whose first class is the truth's").choices(['correct']))
    .option('--limit <n>', 'the first n pictures', wholeNumber(1))
    .option('--seed <n>', 'seed of everything random (default: 0)', wholeNumber(0))
    .optionsGroup('What to write:')
    .addOption(outOption('onnx-cam-evaluation'))
    .option('--resume', 'go on with what is in the folder; without, it is replaced')
    .option('--pictures <n>', 'the first n pictures, with their maps, are in the page (default: 300)', wholeNumber(0))
    .option('--json', 'a JSON object for each row on standard output, a line each, then one with the summary');
  addRunOptions(described).action(async (model: string, inputs: string[], flags: EvaluateFlags) => {
    finish(await evaluate(context, model, inputs, flags));
  });
}

async function evaluate(
  context: CommandContext,
  path: string,
  args: readonly string[],
  flags: EvaluateFlags,
): Promise<number> {
  const { console, signal } = context;
  const target = flags.target === 'label' ? 'label' : parseTargetText(flags.target);
  if (flags.truth === undefined && (target === 'label' || flags.only))
    throw usageError(
      `${flags.only ? '--only correct' : '--target label'} needs the class that the truth names; give --truth`,
    );
  const metrics = metricSpecs(flags, { truth: flags.truth !== undefined, method: true }, console);
  const params = methodParams(flags);
  const note = (text: string) => console.note(oneLine(text));
  const { given, listed } = await explainedInputs(args, note, signal);
  refuseAddresses([...given, ...listed], flags.out);
  const found = await expandInputs(given, { note, out: flags.out, listed });
  const inputs = found.slice(0, flags.limit);
  const removeFolder = await new LocalStore(flags.out).prepare();
  let code: number = EXIT.done;
  try {
    const options = { ...loadOptions(flags), ...(await readModelChoices(flags)) };
    const model = await openModel(context, path, { ...options, signal });
    try {
      const { truth, controls, only, seed, batchSize, resume, pictures, out: folder, convention } = flags;
      const run = model.evaluate(imagesOf(inputs), {
        methods: methodsFor(model, flags, params, console),
        ...defined({ metrics, layers: flags.layer?.map(layerName), truth, only, seed, batchSize, resume, pictures }),
        ...(convention && { conventions: [convention] }),
        target,
        controls,
        folder,
        signal,
      } satisfies EvaluateOptions);
      code = await tell(context, run, inputs, flags);
      const saved = await run.save(folder);
      for (const warning of saved.warnings) console.warn(warning);
      console.note(`see ${saved.path}`);
    } finally {
      await model.dispose();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    console.progress.stop();
    console.note(`onnx-cam: ERR_ABORTED: interrupted; what was finished is in ${flags.out}, go on with --resume`);
    return EXIT.interrupted;
  } finally {
    console.progress.stop();
    await removeFolder();
  }
  return code;
}

/** @throws `ERR_USAGE`: pictures are read again for controls and for the page, whose files are renamed and added to */
function refuseAddresses(given: readonly string[], out: string): void {
  const inputs = given.find(isRemote);
  if (inputs !== undefined)
    throw usageError(
      `evaluate takes files of this machine, not ${shownAddress(inputs)}: download them first (explain takes addresses)`,
    );
  if (isRemote(out))
    throw usageError(`evaluate writes to a folder of this machine, not to ${shownAddress(out)}: give another --out`);
}

/** Tensors of files with several are images of their own. What is missing fails there as what is damaged does. */
async function* imagesOf(inputs: readonly CommandInput[]): AsyncGenerator<string | NamedTensor> {
  for (const input of inputs) {
    if ('error' in input || !input.isTensor) {
      yield input.path;
      continue;
    }
    const tensor = await readNpyTensor(input.path);
    const images = tensor.dims.length > 3 ? tensor.dims[0]! : 1;
    const size = tensor.data.length / images;
    for (let i = 0; i < images; i++) {
      const data = tensor.data.subarray(i * size, (i + 1) * size);
      const dims = tensor.dims.length > 3 ? [1, ...tensor.dims.slice(1)] : tensor.dims;
      yield { name: images > 1 ? `${input.path}[${i}]` : input.path, tensor: { ...tensor, data, dims } as never };
    }
  }
}

/** Rows and summary for people or as JSON. @returns the exit code */
async function tell(
  { console }: CommandContext,
  run: EvaluationRun,
  inputs: readonly CommandInput[],
  { json, debug }: EvaluateFlags,
): Promise<number> {
  if (!(json && console.printsToTerminal)) console.progress.start(inputs.length);
  let failed = 0;
  const done = new Set<number>();
  for await (const row of run) {
    done.add(row.index);
    console.progress.update(done.size, row.image);
    if (isFailed(row)) {
      failed++;
      const { code, message } = row.error;
      console.note(...failureLines(new OnnxCamError(code, message), { input: row.image, debug }));
    }
    if (json) await console.print(JSON.stringify(row));
  }
  const summary = await run.summary();
  console.progress.stop();
  for (const warning of summary.provenance.warnings) console.warn(warning);
  if (json) await console.print(JSON.stringify({ summary }));
  else await console.print(...evaluationTable(summary, console.width));
  if (failed > 0) console.note(`${failed} of ${plural(done.size, 'input')} failed`);
  return failed > 0 ? EXIT.inputsFailed : EXIT.done;
}

/** Each method with those of the parameters that it has. @throws what `fitToModel` throws */
function methodsFor(
  model: LoadedModel,
  flags: EvaluateFlags,
  params: Readonly<Record<string, string>>,
  console: CommandContext['console'],
): NonNullable<EvaluateOptions['methods']> {
  const target = flags.target === 'label' ? undefined : parseTargetText(flags.target);
  const { methods, leftOut } = fitToModel(flags.method, model, { layer: undefined, ...defined({ target }) });
  for (const { method, reason } of leftOut) console.note(`left out: ${method}: ${oneLine(reason)}`);
  const technique = techniqueOption(flags);
  return methods.map(method => {
    const definition = findMethod(method);
    const known = paramSpecs(definition);
    const own = Object.entries(params).filter(([name]) => name in known);
    const how = defined({ fusion: flags.fusion, technique });
    if (own.length === 0) return Object.keys(how).length > 0 ? { method, ...how } : method;
    const values = Object.fromEntries(own.map(([name, text]) => [name, parseParam(definition, name, text)]));
    return { method, params: values, ...how };
  });
}

/** @throws `ERR_USAGE` for a parameter that none of the methods has */
function methodParams(flags: EvaluateFlags): Readonly<Record<string, string>> {
  const methods = namedMethods(flags.method);
  for (const [name] of flags.param)
    if (!methods.some(method => name in paramSpecs(findMethod(method))))
      throw usageError(`--param ${name}: none of ${methods.join(', ')} has a parameter of this name`);
  return Object.fromEntries(flags.param);
}
