import type { Emitter } from '../../autodiff/emitter.ts';
import { clamp, gather } from '../../autodiff/forms.ts';
import type { Value } from '../../autodiff/value.ts';
import { OnnxCamError } from '../../common/errors.ts';
import type { TensorType } from '../../engine/tensor.ts';
import { fillOf, rangeOf } from '../../image/preprocess.ts';
import { type Layout, LUMA, type ResolvedPreprocess } from '../../image/preprocess-options.ts';
import { INTEGER_RANGES } from '../../model/rewrite/picture-input.ts';
import { takeNearest } from './nearest.ts';
import { type PlacedSide, placedSides } from './picture-place.ts';
import { isShown, resampleRows } from './resample.ts';

/** What the model takes in the picture's place. */
export interface PictureTarget {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly layout: Layout;
  /** The type that the file says: values for one of whole numbers are rounded and cut off, as `explain` does. */
  readonly stored?: TensorType;
}

/** `Range` came with it, and with it `Clip` and `Equal` as they are used here. */
const LEAST_OPSET = 11;

/**
 * What `explain` does with a picture (lib/image/preprocess.ts), as nodes: resized as Pillow does it, cut or bordered, scaled,
 * normalised. The bytes are the same where the runtime has float64 (ONNX Runtime has); one that takes float32 for it differs by a
 * step here and there, and with 'nearest' takes the other neighbour where a pixel's centre falls between two of the picture's.
 * @param picture uint8 [N, h, w, 3], RGB, h and w of any size when the model runs
 * @returns float32 [N, C, H, W], or [N, H, W, C] for the layout nhwc
 * @throws `ERR_MODEL_UNSUPPORTED` for models of opsets below 11; `ERR_INPUT_SHAPE` where `preprocess` is not the model's
 */
export function appendPicture(
  emit: Emitter,
  picture: Value,
  input: PictureTarget,
  preprocess: ResolvedPreprocess,
): Value {
  checkPicture(emit, input, preprocess);
  const { across, down } = placedSides(emit, picture, input, preprocess);
  const pixels = inChannels(emit, resampled(emit, picture, { across, down }, preprocess), preprocess);
  // Before it is computed with: runtimes go through rows of one element far slower.
  const inLayout = emit.transpose(pixels, input.layout === 'nchw' ? [3, 2, 0, 1] : [3, 0, 1, 2]);
  const values = bordered(emit, normalised(emit, inLayout, preprocess), { across, down }, preprocess);
  return inRange(emit, values, input.stored);
}

function checkPicture(
  emit: Emitter,
  { channels, height, width, layout }: PictureTarget,
  { size, ...preprocess }: ResolvedPreprocess,
): void {
  if (emit.opset < LEAST_OPSET)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `the model's opset ${emit.opset} cannot resize pictures of open sizes; export the model with opset ${LEAST_OPSET} or ` +
        'newer (or convert it with onnx.version_converter), or leave out `preprocess`',
    );
  const fits = channels === preprocess.channels && layout === preprocess.layout;
  if (fits && size[0] === width && size[1] === height) return;
  throw new OnnxCamError(
    'ERR_INPUT_SHAPE',
    `preprocessing makes ${preprocess.channels} channels of ${size.join('x')} (${preprocess.layout}), the model takes ` +
      `${channels} of ${width}x${height} (${layout})`,
  );
}

interface Sides {
  readonly across: PlacedSide;
  readonly down: PlacedSide;
}

/** float32 [H, W, 3, N], whole numbers in 0..255. Along the width first, as Pillow: bytes are rounded in between. */
function resampled(
  emit: Emitter,
  picture: Value,
  { across, down }: Sides,
  { interpolation }: ResolvedPreprocess,
): Value {
  if (interpolation === 'nearest') {
    const taken = takeNearest(emit, takeNearest(emit, picture, 1, down), 2, across);
    return emit.transpose(emit.cast(taken, 'float32'), [1, 2, 3, 0]);
  }
  // Matrices, since runtimes transpose these many times faster than pixels of three bytes: [N·h, w·3] to [w, 3·N·h].
  const flat = emit.node('Flatten', [picture], { type: 'uint8', dims: [-1, -1] }, { axis: 2 });
  const columns = asRows(emit, emit.transpose(flat, [1, 0]), [across.from, -1]);
  const narrowed = asRows(emit, resampleRows(emit, columns, across, interpolation), [-1, down.from]);
  const resized = resampleRows(emit, emit.transpose(narrowed, [1, 0]), down, interpolation);
  return emit.reshape(resized, [down.length, across.length, 3, picture.dims[0]!]);
}

/** As a matrix of sizes that are only known when the model runs, one of them −1: what remains. */
function asRows(emit: Emitter, x: Value, sizes: readonly (Value | -1)[]): Value {
  const [rest, one] = [emit.ints([-1]), emit.ints([1])];
  const shape = sizes.map(size => (size === -1 ? rest : emit.mul(size, one)));
  return emit.node('Reshape', [x, emit.concat(shape, 0)], { type: x.type, dims: [-1, -1] });
}

/** The model's channels, [H, W, C, N]. */
function inChannels(emit: Emitter, pixels: Value, { channels, channelOrder }: ResolvedPreprocess): Value {
  if (channels === 1) return emit.matMul(emit.constant(LUMA, 'float32', [1, 3]), pixels);
  return channelOrder === 'bgr' ? gather(emit, pixels, 2, [2, 1, 0]) : pixels;
}

/** (pixel · scale − shift − mean) / std, in the model's layout. */
function normalised(emit: Emitter, pixels: Value, preprocess: ResolvedPreprocess): Value {
  const { mean, std } = preprocess;
  const { scale, shift } = rangeOf(preprocess, undefined);
  const factor = std.map(value => scale / value);
  const offset = std.map((value, c) => (shift + mean[c]!) / value);
  const scaled = emit.mul(pixels, perChannel(emit, factor, preprocess));
  return emit.sub(scaled, perChannel(emit, offset, preprocess));
}

/** [C, 1, 1], or [C] where channels are last. */
function perChannel(emit: Emitter, values: readonly number[], { layout }: ResolvedPreprocess): Value {
  return emit.constant(values, 'float32', layout === 'nchw' ? [values.length, 1, 1] : [values.length]);
}

/** With what lies where no pixel does. */
function bordered(emit: Emitter, values: Value, { across, down }: Sides, preprocess: ResolvedPreprocess): Value {
  const behind = preprocess.layout === 'nchw' ? [] : [1];
  const masks = [
    ...(down.hasBorder ? [{ side: down, dims: [down.length, 1, ...behind] }] : []),
    ...(across.hasBorder ? [{ side: across, dims: [across.length, ...behind] }] : []),
  ].map(({ side, dims }) => emit.reshape(isShown(emit, side), dims));
  if (masks.length === 0) return values;
  const fill = perChannel(emit, fillOf(preprocess), preprocess);
  return masks.reduce((shown, mask) => emit.node('Where', [mask, shown, fill], shown), values);
}

/** The nearest whole numbers that a type holds. */
function inRange(emit: Emitter, values: Value, stored: TensorType | undefined): Value {
  if (!stored?.includes('int')) return values;
  const rounded = emit.unary('Floor', emit.add(values, emit.scalar(0.5, values)));
  const limits = INTEGER_RANGES[stored];
  return limits ? clamp(emit, rounded, ...limits) : rounded;
}
