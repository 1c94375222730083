import { expect } from 'vitest';
import { type ErrorCode, OnnxCamError } from '../../lib/common/errors.ts';

/** The task must fail with this code, and with a message that says all of this. */
export async function expectError(
  task: () => unknown,
  code: ErrorCode,
  ...says: readonly (string | RegExp)[]
): Promise<OnnxCamError> {
  let error: unknown;
  try {
    await task();
  } catch (thrown) {
    error = thrown;
  }
  if (error === undefined) throw new Error(`it did not fail, though ${code} was expected`);
  expect(error, (error as Error)?.stack).toBeInstanceOf(OnnxCamError);
  const failure = error as OnnxCamError;
  expect(failure.code, failure.stack).toBe(code);
  for (const text of says)
    expect(failure.message).toMatch(text instanceof RegExp ? text : new RegExp(literally(text), 'i'));
  return failure;
}

function literally(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
