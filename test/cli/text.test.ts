import { describe, expect, it } from 'vitest';
import { failureLines } from '../../lib/cli/tell/failure.ts';
import { formatTable } from '../../lib/cli/tell/table.ts';
import { oneLine, percent, plural, shapeText } from '../../lib/cli/tell/text.ts';
import { OnnxCamError } from '../../lib/common/errors.ts';

describe('text for people', () => {
  it('is one line, with control characters shown', () => {
    expect(oneLine(' a \r\n\n b\x1b[31m\tc\n')).toBe('a b\\u001b[31m\\tc');
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
    ).toEqual(['   name', '*  a', '   long']);
  });
});

describe('failureLines', () => {
  it('is one line with code and message', () => {
    const error = new OnnxCamError('ERR_RUNTIME', 'first\nsecond');
    expect(failureLines(error)).toEqual(['onnx-cam: ERR_RUNTIME: first second']);
  });

  it('names the input unless the message does', () => {
    expect(failureLines(new OnnxCamError('ERR_RUNTIME', 'boom'), { input: 'a.png' })).toEqual([
      'onnx-cam: ERR_RUNTIME: a.png: boom',
    ]);
    expect(failureLines(new OnnxCamError('ERR_IMAGE_INVALID', 'a.png is empty'), { input: 'a.png' })).toEqual([
      'onnx-cam: ERR_IMAGE_INVALID: a.png is empty',
    ]);
    const hostile = 'a\nb\x1b[2J.png';
    expect(failureLines(new OnnxCamError('ERR_IMAGE_INVALID', `${hostile} is empty`), { input: hostile })).toEqual([
      'onnx-cam: ERR_IMAGE_INVALID: a b\\u001b[2J.png is empty',
    ]);
  });

  it('adds the stacks of the error and its causes when debugging', () => {
    const error = new OnnxCamError('ERR_RUNTIME', 'outer', { cause: new Error('inner') });
    const text = failureLines(error, { debug: true }).join('\n');
    expect(text).toContain('caused by: Error: inner');
    expect(text).toContain('text.test.ts');
  });

  it('shows no line of a message as one of the stack', () => {
    const error = new OnnxCamError('ERR_RUNTIME', 'first\n    at secret (file.ts:1:1)');
    const [, head, ...stack] = failureLines(error, { debug: true });
    expect(head).toBe('OnnxCamError: first at secret (file.ts:1:1)');
    expect(stack.join()).not.toContain('secret');
  });

  it('gives what is not ours a code too', () => {
    expect(failureLines(new TypeError('x is not a function'))).toEqual(['onnx-cam: ERR_RUNTIME: x is not a function']);
  });
});
