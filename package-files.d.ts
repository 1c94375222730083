/** Version of onnx-cam. */
export function packageVersion(): string;

/** The package's folder; empty in a bundle without `import.meta.url`. */
export const packageRoot: string;

/**
 * Path of the prebuilt addon, whether it exists or not.
 * @param platform e.g. "linux-x64"
 * @returns undefined for a platform without one
 * @throws TypeError in a bundle without `import.meta.url`
 */
export function prebuiltAddon(platform: string): string | undefined;

/**
 * Program and style of the page of reports.
 * @throws Error where dist/web/ is missing; TypeError in a bundle without `import.meta.url`
 */
export const reportPage: { readonly script: () => string; readonly style: () => string };

/**
 * Paths of the font that captions are drawn with, and of a configuration for machines without one.
 * @throws TypeError in a bundle without `import.meta.url`
 */
export const captionFont: { readonly file: () => string; readonly config: () => string };

/**
 * The main file of a package that is opened, not imported: the library natively, the decoder in a thread.
 * @throws Error where it isn't installed; TypeError in a bundle without `import.meta.url`
 */
export function resolvePackage(name: 'onnxruntime-node' | '@cwasm/nsbmp'): string;
