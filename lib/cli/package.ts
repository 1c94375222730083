import { join } from 'node:path';
import { packageRoot } from '#package';

/** Path of a file that comes with the package. */
export function bundledFile(name: string): string {
  return join(packageRoot, name);
}
