import { create } from '@bufbuild/protobuf';
import { TensorProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { float, toAttribute } from '../../../lib/model/graph/attributes.ts';
import { copyOfWeight, readNumbers } from '../../../lib/model/graph/tensor-values.ts';

describe('copies of messages', () => {
  it('keep the fields that a file left out', () => {
    // Values that stand in a field of their own leave no raw data.
    const weight = create(TensorProtoSchema, { name: 'w', dataType: 7, dims: [1n, 2n], int64Data: [3n, 4n] });
    const copy = copyOfWeight(weight, { name: 'flat', dims: [2n] });
    expect(copy.rawData.byteLength).toBe(0);
    expect([copy.name, copy.dims, readNumbers(copy)]).toEqual(['flat', [2n], [3, 4]]);
    expect([weight.name, weight.dims]).toEqual(['w', [1n, 2n]]);
    const named = toAttribute('alpha', float(0.5));
    expect([named.name, named.f, named.i, named.ints]).toEqual(['alpha', 0.5, 0n, []]);
  });
});
