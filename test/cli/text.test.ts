import { describe, expect, it } from 'vitest';
import { failureText } from '../../lib/cli/failure.ts';
import { formatTable } from '../../lib/cli/table.ts';
import { oneLine, percent, plural, shapeText } from '../../lib/cli/text.ts';
import { OnnxCamError } from '../../lib/common/errors.ts';

describe('text for people', () => {
  it('is one line without control characters', () => {
    expect(oneLine('a\nb\x1b[31m\tc')).toBe('a b [31m c');
  });

  it.each([
    [1, '100.0 %'],
    [0.4137, '41.4 %'],
    [0.01, '1.0 %'],
    [0.00034, '0.03 %'],
    [0, '0.0 %'],
  ])('writes the probability %d as %s', (value, text) => {
    expect(percent(value)).toBe(text);
  });

  it('counts', () => {
    expect([plural(0, 'input'), plural(1, 'input'), plural(2, 'input')]).toEqual(['0 inputs', '1 input', '2 inputs']);
  });

  it('writes shapes', () => {
    expect(shapeText([-1, 1280, 7, 7])).toBe('?×1280×7×7');
  });

  it('lines up the columns of a table', () => {
    expect(
      formatTable(
        ['', 'name'],
        [
          ['*', 'a'],
          ['', 'long'],
        ],
      ),
    ).toBe('   name\n*  a\n   long');
  });
});

describe('failureText', () => {
  it('is one line with code and message', () => {
    const error = new OnnxCamError('ERR_RUNTIME', 'first\nsecond');
    expect(failureText(error)).toBe('onnx-cam: ERR_RUNTIME: first second');
  });

  it('names the input unless the message does', () => {
    expect(failureText(new OnnxCamError('ERR_RUNTIME', 'boom'), { input: 'a.png' })).toBe(
      'onnx-cam: ERR_RUNTIME: a.png: boom',
    );
    expect(failureText(new OnnxCamError('ERR_IMAGE_INVALID', 'a.png is empty'), { input: 'a.png' })).toBe(
      'onnx-cam: ERR_IMAGE_INVALID: a.png is empty',
    );
  });

  it('adds the stacks of the error and its causes when debugging', () => {
    const error = new OnnxCamError('ERR_RUNTIME', 'outer', { cause: new Error('inner') });
    const text = failureText(error, { debug: true });
    expect(text).toContain('caused by: Error: inner');
    expect(text).toContain('text.test.ts');
  });

  it('gives what is not ours a code too', () => {
    expect(failureText(new TypeError('x is not a function'))).toBe('onnx-cam: ERR_RUNTIME: x is not a function');
  });
});
