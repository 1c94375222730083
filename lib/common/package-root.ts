import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's folder: the nearest with a package.json above this file, wherever the build has put it. */
export const packageRoot: string = nearest(dirname(fileURLToPath(import.meta.url)));

function nearest(folder: string): string {
  const above = dirname(folder);
  return existsSync(join(folder, 'package.json')) || above === folder ? folder : nearest(above);
}
