import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../common/package-root.ts';

/** Version of onnx-cam. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;
}

/** Path of a file that comes with the package. */
export function bundledFile(name: string): string {
  return join(packageRoot, name);
}
