import type { Emitter } from '../../autodiff/emitter.ts';
import { sliceAxis } from '../../autodiff/forms.ts';
import type { Value } from '../../autodiff/value.ts';
import { OnnxCamError } from '../../common/errors.ts';

/**
 * Matrices [N, rows, columns] with the ⌊ratio·rows·columns⌋ lowest entries of each set to 0, of equal ones the first.
 * @param keepFirst the first entry is never discarded
 * @throws `ERR_METHOD_UNSUPPORTED` below opset 9, which has no operator that writes to chosen places
 */
export function discardLowest(emit: Emitter, x: Value, ratio: number, keepFirst: boolean): Value {
  const [batch, rows, columns] = x.dims as [number, number, number];
  const size = rows * columns;
  const count = Math.floor(size * ratio);
  if (count === 0) return x;
  if (emit.opset < 9)
    throw new OnnxCamError(
      'ERR_METHOD_UNSUPPORTED',
      `discard takes opset 9 or newer, the model has opset ${emit.opset}; convert it, or set discard to 0`,
    );
  const flat = emit.reshape(x, [batch, size]);
  const [values, places] = lowest(emit, flat, count);
  const zeros = emit.mul(values, emit.scalar(0, values));
  const scatter = emit.opset < 11 ? 'Scatter' : 'ScatterElements';
  const rest = emit.node(scatter, [flat, places, zeros], flat, { axis: 1 });
  const kept = keepFirst
    ? emit.concat([sliceAxis(emit, flat, 1, 0, 1), sliceAxis(emit, rest, 1, 1, size - 1)], 1)
    : rest;
  return emit.reshape(kept, [batch, rows, columns]);
}

/** The lowest entries [N, count] (before opset 11 their negatives) of [N, size] and where they are. */
function lowest(emit: Emitter, x: Value, count: number): [Value, Value] {
  const dims = [x.dims[0]!, count];
  const outputs = [
    { type: x.type, dims },
    { type: 'int64' as const, dims },
  ];
  if (emit.opset >= 11)
    return emit.nodes('TopK', [x, emit.ints([count])], outputs, { axis: 1, largest: 0 }) as [Value, Value];
  const turned = emit.neg(x);
  if (emit.opset === 10)
    return emit.nodes('TopK', [turned, emit.ints([count])], outputs, { axis: 1 }) as [Value, Value];
  return emit.nodes('TopK', [turned], outputs, { axis: 1, k: count }) as [Value, Value];
}
