// What the package opens while it runs. Tracers of files (Next.js, Vercel, serverless) and bundlers read these paths without
// running them: each is written out, relative to this file, which lies in the package's folder. Nothing is looked up before
// it is asked for, since a bundle may have no `import.meta.url`.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

export function packageVersion() {
  return JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8')).version;
}

export const packageRoot = import.meta.url ? dirname(fileURLToPath(import.meta.url)) : '';

export function prebuiltAddon(platform) {
  switch (platform) {
    case 'linux-x64':
      return fileURLToPath(new URL('./prebuilds/linux-x64/onnx-cam.glibc.node', import.meta.url));
    case 'linux-arm64':
      return fileURLToPath(new URL('./prebuilds/linux-arm64/onnx-cam.glibc.node', import.meta.url));
    case 'darwin-arm64':
      return fileURLToPath(new URL('./prebuilds/darwin-arm64/onnx-cam.node', import.meta.url));
    case 'win32-x64':
      return fileURLToPath(new URL('./prebuilds/win32-x64/onnx-cam.node', import.meta.url));
    case 'win32-arm64':
      return fileURLToPath(new URL('./prebuilds/win32-arm64/onnx-cam.node', import.meta.url));
    default:
      return undefined;
  }
}

export const reportPage = {
  script: () => readFileSync(new URL('./dist/web/page.js', import.meta.url), 'utf8'),
  style: () => readFileSync(new URL('./dist/web/page.css', import.meta.url), 'utf8'),
};

export const captionFont = {
  file: () => fileURLToPath(new URL('./assets/fonts/DejaVuSans.ttf', import.meta.url)),
  config: () => fileURLToPath(new URL('./assets/fonts/fonts.conf', import.meta.url)),
};

export function resolvePackage(name) {
  return createRequire(import.meta.url).resolve(name);
}

/** Never called: tracers follow these imports to the files that go with what `resolvePackage` finds. */
export const tracedPackages = () => [import('onnxruntime-node'), import('@cwasm/nsbmp')];
