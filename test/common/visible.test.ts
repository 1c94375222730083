import { describe, expect, it } from 'vitest';
import { OnnxCamError } from '../../lib/common/errors.ts';
import { visible, visibleLines } from '../../lib/common/visible.ts';

const BIDI = '\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069';
const C0 = Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join('');
const C1 = Array.from({ length: 33 }, (_, code) => String.fromCharCode(127 + code)).join('');

describe('visible', () => {
  it('escapes what acts on a terminal or on the reading order', () => {
    expect(visible('\x1b]0;title\x07')).toBe('\\u001b]0;title\\u0007');
    expect(visible('a\r\n\tb\u2028\u2029')).toBe('a\\r\\n\\tb\\u2028\\u2029');
    expect(visible('\x7f\x9b31m\u202etxt.exe')).toBe('\\u007f\\u009b31m\\u202etxt.exe');
    expect(visible(C0 + C1 + BIDI)).toMatch(/^[ -~]+$/);
  });

  it('leaves text as it is, once and again', () => {
    const text = 'Ägyptische Katze, 猫, قط, ‌می‌خواهم, 👩‍🔬 \\n \u00a0';
    expect(visible(text)).toBe(text);
    expect(visible(visible('\x1b'))).toBe(visible('\x1b'));
  });

  it('keeps JSON what it is', () => {
    const value = { [C1]: [C0, BIDI, '"\\'], nested: { text: 'a\u2028b' } };
    expect(JSON.parse(visible(JSON.stringify(value)))).toEqual(value);
    expect(JSON.parse(visibleLines(JSON.stringify(value, null, 2)))).toEqual(value);
  });

  it('keeps lines apart where there are several', () => {
    expect(visibleLines('a\nb\r\u202e')).toBe('a\nb\\r\\u202e');
  });
});

it('messages of errors are visible', () => {
  expect(new OnnxCamError('ERR_RUNTIME', 'the layer "\x1b[2J"\nis gone').message).toBe(
    'the layer "\\u001b[2J"\nis gone',
  );
});
