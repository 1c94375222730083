import { isUint8Array } from '../common/kinds.ts';

/**
 * Memory that stays where it is while native code reads it. A view over a resizable or growable buffer is copied:
 * JavaScript may shrink such a buffer at any time, and its pages are then gone. Other views come back as they are.
 */
export function toStableView<T extends ArrayBufferView & { slice(): ArrayBufferView }>(view: T): T {
  return isResizable(view) ? copyView(view) : view;
}

export function copyView<T extends ArrayBufferView & { slice(): ArrayBufferView }>(view: T): T {
  // Buffer.slice makes a view; the typed array's own slice copies.
  return (isUint8Array(view) ? Uint8Array.prototype.slice.call(view) : view.slice()) as unknown as T;
}

/** True for views over a resizable ArrayBuffer or a growable SharedArrayBuffer. */
export function isResizable(view: ArrayBufferView): boolean {
  const buffer = view.buffer as { resizable?: boolean; growable?: boolean };
  return buffer.resizable === true || buffer.growable === true;
}
