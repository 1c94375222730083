import type { Emitter } from '../autodiff/emitter.ts';
import { gather } from '../autodiff/forms.ts';
import { sameDims, type Value } from '../autodiff/value.ts';
import { OnnxCamError } from '../common/errors.ts';

/** A size that maps are brought to. */
export interface MapEnd {
  /** Of the positions: [height, width], of volumes depth first. */
  readonly size: readonly number[];
  /** Where it is only known when the model runs: the tensor that has it, and its axes. */
  readonly of?: { readonly tensor: Value; readonly axes: readonly number[] };
}

/**
 * Linear, half-pixel (PyTorch's `align_corners=False`), without antialiasing.
 * @param map [N, 1, …positions]
 * @throws `ERR_MODEL_UNSUPPORTED` for volumes and open sizes in models of opsets below 11, whose Resize knows no half pixels
 */
export function resized(emit: Emitter, map: Value, { size, of }: MapEnd): Value {
  const dims = [map.dims[0]!, 1, ...size];
  if (sameDims(map.dims.slice(1), dims.slice(1)) && !of) return map;
  if (emit.opset < 11) return byMatrices(emit, map, { size, of });
  const places = of ? gather(emit, emit.shapeOf(of.tensor), 0, of.axes) : emit.ints(size);
  const images = gather(emit, emit.shapeOf(map), 0, [0, 1]);
  const sizes = emit.node('Concat', [images, places], { type: 'int64', dims: [dims.length] }, { axis: 0 });
  // Neither is read, and both may only be left out from opset 13 on.
  const empty = emit.opset < 13 ? emit.constant([], 'float32', [0]) : undefined;
  return emit.node(
    'Resize',
    [map, empty, empty, sizes],
    { type: map.type, dims },
    { mode: 'linear', coordinate_transformation_mode: 'half_pixel' },
  );
}

/** Rows · M · columns. */
function byMatrices(emit: Emitter, map: Value, { size, of }: MapEnd): Value {
  const [rows, columns, ...more] = map.dims.slice(2) as [number, number, ...number[]];
  if (more.length > 0 || of)
    throw new OnnxCamError(
      'ERR_MODEL_UNSUPPORTED',
      `the model's opset ${emit.opset} cannot resize ${of ? 'to a size that is open' : 'volumes'} by half pixels; export the ` +
        "model with opset 11 or newer, or take map: 'layer'",
    );
  const [height, width] = size as [number, number];
  const down = emit.constant(linearWeights(rows, height), 'float32', [height, rows]);
  const across = emit.transpose(emit.constant(linearWeights(columns, width), 'float32', [width, columns]), [1, 0]);
  return emit.matMul(emit.matMul(down, map), across);
}

/** What each of `from` values has in each of `to` values between them, [to, from]. */
function linearWeights(from: number, to: number): number[] {
  const weights = new Array<number>(to * from).fill(0);
  for (let i = 0; i < to; i++) {
    const source = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    const low = Math.floor(source);
    const high = Math.min(low + 1, from - 1);
    weights[i * from + low]! += 1 - (source - low);
    weights[i * from + high]! += source - low;
  }
  return weights;
}
