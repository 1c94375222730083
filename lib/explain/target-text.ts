import { createHash } from 'node:crypto';
import type { TargetInput } from '../targets/target.ts';

/** A target as a text that differs for different ones: rows about one class are none about another. Of values their SHA-256. */
export function targetText(target: TargetInput | undefined): string {
  if (target === undefined) return 'top1';
  if (typeof target !== 'object') return String(target);
  return JSON.stringify(target, (_, value) =>
    ArrayBuffer.isView(value)
      ? createHash('sha256')
          .update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
          .digest('hex')
      : value,
  );
}
