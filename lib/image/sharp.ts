import type sharp from 'sharp';
import { OnnxCamError } from '../common/errors.ts';

export type SharpModule = typeof sharp;

/**
 * sharp, loaded when the first picture needs it: its binary is an optional package of each platform, which installs leave out, and tensors
 * can be explained without.
 * @throws `ERR_ADDON` with what sharp says and what to do
 */
export async function loadSharp(load: () => Promise<{ default: SharpModule }> = () => import('sharp')) {
  try {
    return (await load()).default;
  } catch (cause) {
    throw sharpError(cause);
  }
}

function sharpError(cause: unknown): OnnxCamError {
  // sharp's text goes on with a page of advice for every package manager.
  const [reason] = (cause as Error).message.split(/\s*Possible solutions/);
  return new OnnxCamError(
    'ERR_ADDON',
    `sharp, which reads and writes pictures, could not be loaded on ${process.platform}-${process.arch}: ` +
      `${reason!.replaceAll(/\s*\n\s*/g, ', ')}; its ` +
      'binary is an optional package (@img/sharp-…): install again with optional dependencies (npm install --include=optional sharp), ' +
      'on the platform where the program runs',
    { cause },
  );
}
