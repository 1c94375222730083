import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The package's root: two folders up from lib/cli and from dist/cli alike. */
const root = new URL('../../', import.meta.url);

/** Version of onnx-cam. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string }).version;
}

/** Path of a file that comes with the package. */
export function bundledFile(name: string): string {
  return fileURLToPath(new URL(name, root));
}
