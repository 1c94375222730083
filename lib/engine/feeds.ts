import { OnnxCamError } from '../common/errors.ts';
import { arrayName, className } from '../common/kinds.ts';
import { named } from '../common/named.ts';
import { didYouMean } from '../common/suggest.ts';
import { copyView, isResizable, toStableView } from './buffers.ts';
import { elementTypeNumber, type ValueType } from './element-type.ts';
import type { NativeTensor } from './native-engine.ts';
import { elementCount, isTensorType, TENSOR_ARRAYS, type Tensor } from './tensor.ts';

/** An input or output of a model. */
export interface ValueMeta {
  readonly name: string;
  readonly type: ValueType;
  /** A dynamic dimension is its symbolic name, or -1 where it has none. */
  readonly dims: readonly (number | string)[];
}

/**
 * Checks the fed tensors against the model's inputs.
 * @returns one tensor per input, in the model's order; views over resizable buffers (all, with `copy`) are copied.
 * @throws `ERR_OPTION_INVALID` for names, `ERR_INPUT_SHAPE` for types and shapes, `ERR_MODEL_UNSUPPORTED` for inputs
 *   that take no tensor.
 */
export function readFeeds(
  inputs: readonly ValueMeta[],
  feeds: Readonly<Record<string, Tensor>>,
  copy: boolean,
): NativeTensor[] {
  for (const name of Object.keys(feeds))
    if (!inputs.some(input => input.name === name)) throw unknown('input', name, inputs);
  return inputs.map(input => {
    const tensor = feeds[input.name];
    if (tensor === undefined)
      throw new OnnxCamError(
        'ERR_OPTION_INVALID',
        `the model's input '${input.name}' (${shapeText(input)}) was not fed`,
      );
    checkTensor(tensor, input, 'input');
    const data = copy ? copyView(tensor.data) : toStableView(tensor.data);
    return { type: elementTypeNumber(tensor.type), data: toNativeView(data), dims: tensor.dims };
  });
}

/**
 * Checks the wanted outputs and the tensors to write them into.
 * @returns per fetch the caller's tensor, or null where ONNX Runtime shall allocate.
 * @throws `ERR_OPTION_INVALID` for names, `ERR_INPUT_SHAPE` for tensors that do not fit.
 */
export function readFetches(
  outputs: readonly ValueMeta[],
  fetches: readonly string[],
  owned: Readonly<Record<string, Tensor>>,
): (NativeTensor | null)[] {
  if (fetches.length === 0) throw new OnnxCamError('ERR_OPTION_INVALID', 'name at least one output to fetch');
  for (const name of Object.keys(owned))
    if (!fetches.includes(name))
      throw new OnnxCamError('ERR_OPTION_INVALID', `a tensor was given for output '${name}', which is not fetched`);
  return fetches.map((name, index) => {
    const output = outputs.find(candidate => candidate.name === name);
    if (output === undefined) throw unknown('output', name, outputs);
    if (fetches.indexOf(name) !== index)
      throw new OnnxCamError('ERR_OPTION_INVALID', `output '${name}' is fetched twice`);
    if (!isTensorType(output.type))
      throw new OnnxCamError('ERR_MODEL_UNSUPPORTED', `output '${name}' is a ${output.type} and cannot be read`);
    const tensor = named(owned, name);
    if (tensor === undefined) return null;
    checkTensor(tensor, output, 'output');
    if (isResizable(tensor.data))
      throw new OnnxCamError(
        'ERR_OPTION_INVALID',
        `the tensor for output '${name}' lies in a resizable buffer, which cannot be written to; use one of fixed length`,
      );
    return { type: elementTypeNumber(tensor.type), data: toNativeView(tensor.data), dims: tensor.dims };
  });
}

function unknown(role: 'input' | 'output', name: string, values: readonly ValueMeta[]): OnnxCamError {
  const names = values.map(value => value.name);
  return new OnnxCamError(
    'ERR_OPTION_INVALID',
    `the model has no ${role} '${name}'${didYouMean(name, names)}; it has ${names.join(', ')}`,
  );
}

function checkTensor(tensor: Tensor, meta: ValueMeta, role: 'input' | 'output'): void {
  if (fits(tensor, meta)) return;
  const what = `${role} '${meta.name}'`;
  if (!isTensorType(meta.type))
    throw new OnnxCamError('ERR_MODEL_UNSUPPORTED', `${what} is a ${meta.type}; only tensors of numbers can be used`);
  if (typeof tensor !== 'object' || tensor === null || !ArrayBuffer.isView(tensor.data) || !Array.isArray(tensor.dims))
    throw new OnnxCamError('ERR_INPUT_SHAPE', `${what} must be a tensor { type, data, dims }`);
  if (tensor.type !== meta.type)
    throw new OnnxCamError('ERR_INPUT_SHAPE', `${what} has element type ${meta.type}, the tensor has ${tensor.type}`);
  const { data, dims } = tensor;
  if (!isArrayFor(tensor))
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `${what}: data of a ${tensor.type} tensor must be a ${TENSOR_ARRAYS[tensor.type].name}, not ${className(data)}`,
    );
  if (!dims.every(dim => Number.isSafeInteger(dim) && dim >= 0))
    throw new OnnxCamError('ERR_INPUT_SHAPE', `${what}: dims must be whole numbers of at least 0, not [${dims}]`);
  if (dims.length !== meta.dims.length || !dims.every((dim, axis) => isDim(meta.dims[axis]!, dim)))
    throw new OnnxCamError(
      'ERR_INPUT_SHAPE',
      `${what} has shape ${shapeText(meta)}, the tensor has [${dims.join(', ')}]`,
    );
  throw new OnnxCamError(
    'ERR_INPUT_SHAPE',
    `${what}: dims [${dims.join(', ')}] need ${elementCount(dims)} elements, data has ${data.length}` +
      (data.length === 0 ? ' (was its buffer transferred away?)' : ''),
  );
}

/** Whether there is nothing wrong with a tensor, before it is looked up what. */
function fits(tensor: Tensor, meta: ValueMeta): boolean {
  if (typeof tensor !== 'object' || tensor === null || tensor.type !== meta.type || !isTensorType(meta.type))
    return false;
  const { data, dims } = tensor;
  if (!ArrayBuffer.isView(data) || !Array.isArray(dims) || dims.length !== meta.dims.length) return false;
  let count = 1;
  for (let axis = 0; axis < dims.length; axis++) {
    const dim = dims[axis]!;
    if (!Number.isSafeInteger(dim) || dim < 0 || !isDim(meta.dims[axis]!, dim)) return false;
    count *= dim;
  }
  return data.length === count && isArrayFor(tensor);
}

function isDim(wanted: number | string, given: number): boolean {
  return typeof wanted === 'string' || wanted < 0 || wanted === given;
}

function isArrayFor({ type, data }: Tensor): boolean {
  const name = arrayName(data);
  // Newer JavaScript has Float16Array; its bytes are the same half floats.
  return name === TENSOR_ARRAYS[type].name || (type === 'float16' && name === 'Float16Array');
}

/** Half floats go to the addon as 16-bit integers, which every Node-API knows. */
function toNativeView(view: ArrayBufferView): ArrayBufferView {
  if (arrayName(view) !== 'Float16Array') return view;
  return new Uint16Array(view.buffer, view.byteOffset, view.byteLength / 2);
}

function shapeText(meta: ValueMeta): string {
  return `[${meta.dims.map(dim => (dim === -1 ? '?' : dim)).join(', ')}]`;
}
