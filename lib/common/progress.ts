/** How far something is, and whose step was the last. */
export interface Progress {
  /** So many so far. */
  readonly done: number;
  /** The same from the first report to the last. */
  readonly total: number;
  /** Place of the image in the call or stream, from 0; of a batch that is run together its last. */
  readonly index?: number;
  /** The image as it was given. */
  readonly input?: unknown;
  /** The method whose passes are counted. */
  readonly method?: string;
  /** The outermost technique, whose changed inputs are counted. */
  readonly technique?: string;
}

/** Steps of a part of the work. */
export type StepsDone = Pick<Progress, 'done' | 'total'>;
