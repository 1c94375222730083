/** How a folder of a run is read. */
export interface ReadOptions {
  /** Is told of each picture and map that is gone. */
  readonly missing: (what: string) => void;
  /** Is told what else is incomplete or odd. */
  readonly warn: (text: string) => void;
  /** Photographs of a run that are read, the first ones; undefined: all that an evaluation has kept, of `explain` the first 1000. */
  readonly pictures: number | undefined;
  readonly signal?: AbortSignal | undefined;
}
