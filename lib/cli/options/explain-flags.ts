import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Convention, Fusion } from '../../methods/definition.ts';
import type { Threshold } from '../../result/threshold.ts';
import type { RunFlags } from './run-options.ts';
import type { SaveFormat, SaveKind } from './save-option.ts';
import type { TechniqueFlags } from './technique-option.ts';

/** The options of `explain` as commander gives them, values parsed one by one. They are JSON: a queue hands them on. */
export interface ExplainFlags extends RunFlags, TechniqueFlags {
  readonly method: readonly string[];
  readonly layer?: readonly string[];
  readonly target?: readonly string[];
  readonly out: string;
  readonly save: readonly SaveKind[];
  readonly format: SaveFormat;
  readonly quality?: number;
  /** Pixels of the longer side; 'none': the picture's. */
  readonly maxSize: number | 'none';
  readonly boxes?: boolean;
  readonly threshold?: Threshold;
  readonly report?: boolean;
  /** Of the page. */
  readonly pictures?: number;
  /** undefined: with all methods. */
  readonly sheet?: boolean;
  readonly show?: boolean;
  readonly json?: boolean;
  readonly convention?: Convention;
  readonly fusion?: Fusion;
  readonly param: readonly (readonly [name: string, value: string])[];
  readonly seed?: number;
  /** A file with names of inputs, or `-`. */
  readonly inputsFrom?: string;
  /** `I/N`; false: all of the list, whatever the environment says. */
  readonly shard?: string | false;
  readonly resume?: boolean;
  readonly retryFailed?: boolean;
  /** URL of a queue that takes the work; true: of the one that the environment names. */
  readonly queue?: string | true;
  /** Inputs of one of its chunks. */
  readonly chunk?: number;
}

/** How a run is done and told; whatever else there is decides what its results are, and how they are written. */
const OF_THE_RUN = [
  'out',
  'report',
  'pictures',
  'sheet',
  'show',
  'json',
  'debug',
  'provider',
  'threads',
  'batchSize',
  'inputsFrom',
  'shard',
  'resume',
  'retryFailed',
  'queue',
  'chunk',
] as const satisfies readonly (keyof ExplainFlags)[];

export type DecidingFlags = Omit<ExplainFlags, (typeof OF_THE_RUN)[number]>;

/** The flags that decide what the results are. */
export function decidingFlags(flags: ExplainFlags): DecidingFlags {
  const ofTheRun: readonly string[] = OF_THE_RUN;
  return Object.fromEntries(Object.entries(flags).filter(([name]) => !ofTheRun.includes(name))) as never;
}

/** The flags with every path of a file in them replaced: of labels, of tensors for other inputs, of what targets name. */
export function withPaths<T extends DecidingFlags>(flags: T, replace: (path: string) => string): T {
  const { labels, inputs, target } = flags;
  return {
    ...flags,
    ...(labels !== undefined && { labels: replace(labels) }),
    ...(inputs && { inputs: inputs.map(([name, path]) => [name, replace(path)] as const) }),
    ...(target && {
      target: target.map(text =>
        text.replace(/((?:^|:)(?:similarity|graph):)(.+)$/is, (_, kind: string, path: string) => kind + replace(path)),
      ),
    }),
  };
}

/** SHA-256 of the files that flags name, by their paths; null for what cannot be read, which `load` tells. */
export async function fileDigests(flags: DecidingFlags): Promise<Readonly<Record<string, string | null>>> {
  const paths = new Set<string>();
  withPaths(flags, path => {
    paths.add(path);
    return path;
  });
  return Object.fromEntries(await Promise.all([...paths].map(async path => [path, await digestOf(path)] as const)));
}

async function digestOf(path: string): Promise<string | null> {
  const hash = createHash('sha256');
  return pipeline(createReadStream(path), hash).then(
    () => hash.digest('hex'),
    () => null,
  );
}
