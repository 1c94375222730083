import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OnnxCamError } from '../../lib/common/errors.ts';
import { formatNpy, parseNpy, readNpy } from '../../lib/io/npy.ts';

const golden = (name: string) => new URL(`../golden/npy/${name}.npy`, import.meta.url).pathname;
const values = Float32Array.from({ length: 24 }, (_, i) => Math.fround(i - 7.5) / 3);

function code(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(OnnxCamError);
    return `${(error as OnnxCamError).code} ${(error as Error).message}`;
  }
  return 'no error';
}

describe('readNpy', () => {
  it.each([
    ['float32-2x3x4', [2, 3, 4]],
    ['float32-24', [24]],
    ['version2', [4, 6]],
  ])('reads what numpy wrote: %s', async (name, dims) => {
    const array = await readNpy(golden(name));
    expect(array.dims).toEqual(dims);
    expect(array.data).toEqual(values);
  });

  it('reads a scalar', async () => {
    expect(await readNpy(golden('float32-scalar'))).toEqual({ data: Float32Array.of(0.25), dims: [] });
  });

  it.each([
    ['float32-fortran', /ascontiguousarray/],
    ['float64', /<f8.*astype/],
    ['big-endian', />f4/],
    ['structured', /no simple value type/],
  ])('refuses %s and says how to save it', async (name, message) => {
    await expect(readNpy(golden(name))).rejects.toMatchObject({
      code: 'ERR_IMAGE_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it('tells a missing file from an unreadable one', async () => {
    await expect(readNpy(golden('nowhere'))).rejects.toMatchObject({ code: 'ERR_IMAGE_NOT_FOUND' });
    await expect(readNpy(new URL('../golden', import.meta.url).pathname)).rejects.toMatchObject({
      code: 'ERR_IMAGE_INVALID',
    });
  });
});

describe('parseNpy on hostile bytes', () => {
  const make = (header: string, body = 4) => {
    const bytes = Buffer.alloc(10 + header.length + body);
    bytes.write('\x93NUMPY\x01\x00', 'latin1');
    bytes.writeUInt16LE(header.length, 8);
    bytes.write(header, 10, 'latin1');
    return bytes;
  };
  const dict = (shape: string) => `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }\n`;

  it.each([
    ['an empty file', Buffer.alloc(0)],
    ['text', Buffer.from('these are not the bytes of an array')],
    ['only the magic', Buffer.from('\x93NUMPY\x01\x00\xff\xff', 'latin1')],
    ['a header longer than the file', Buffer.from('\x93NUMPY\x02\x00\xff\xff\xff\x7f{}', 'latin1')],
    ['an unknown version', Buffer.from('\x93NUMPY\x09\x00\x02\x00{}', 'latin1')],
    ['an empty header', make('')],
    ['no shape', make("{'descr': '<f4', 'fortran_order': False}")],
    ['a negative size', make(dict('(-1,)'))],
    ['a shape that overflows', make(dict('(4294967296, 4294967296, 1)'))],
    ['a shape of absurd numbers', make(dict(`(${'9'.repeat(400)}, 0)`))],
    ['too few values', make(dict('(2,)'))],
    ['too many values', make(dict('(1,)'), 8)],
    ['half a value', make(dict('(1,)'), 6)],
    ['an expression for a shape', make(dict("(__import__('os').system('ls'),)"))],
  ])('%s', (_, bytes) => {
    expect(code(() => parseNpy(bytes))).toMatch(/^ERR_IMAGE_INVALID /);
  });

  it('never fails otherwise than by a coded error, wherever a file is cut or changed', async () => {
    const file = await readFile(golden('float32-2x3x4'));
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.nat(255), fc.nat(file.length), (at, value, end) => {
        const bytes = Buffer.from(file.subarray(0, end));
        if (at < end) bytes[at] = value;
        expect(code(() => parseNpy(bytes))).toMatch(/^(ERR_IMAGE_INVALID |no error)/);
      }),
    );
  });
});

describe('formatNpy', () => {
  it.each([
    ['float32-2x3x4', [2, 3, 4]],
    ['float32-24', [24]],
  ])('writes the bytes that numpy writes: %s', async (name, dims) => {
    const bytes = Buffer.concat(formatNpy({ data: values, dims }));
    expect(bytes.equals(await readFile(golden(name)))).toBe(true);
  });

  it('reads back what it wrote, at any alignment', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(4), { maxLength: 5 }), fc.nat(7), (dims, shift) => {
        const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i / 7 - 1);
        const bytes = Buffer.concat([Buffer.alloc(shift), ...formatNpy({ data, dims })]).subarray(shift);
        expect(parseNpy(bytes)).toEqual({ data, dims });
      }),
    );
  });

  it('does not copy the values', () => {
    expect(formatNpy({ data: values, dims: [24] })[1].buffer).toBe(values.buffer);
  });

  it('refuses a shape that does not fit', () => {
    expect(code(() => formatNpy({ data: values, dims: [5, 5] }))).toMatch(/^ERR_INPUT_SHAPE /);
  });
});
