import type { Explanation } from '../../result/explanation.ts';
import type { CommandInput } from '../inputs/inputs.ts';
import type { WrittenSheet } from './contact-sheet.ts';
import type { ResultName, Saved } from './output-files.ts';

export interface SavedResult extends Saved {
  readonly input: string;
  readonly name: ResultName;
  readonly explanation: Explanation;
}

export interface FailedInput {
  /** Absent where what was made of all inputs could not be written. */
  readonly input?: string;
  /** First part of its files' names; absent where the input stands for no file. */
  readonly stem?: string | undefined;
  /** Where one result of several could not be written. */
  readonly method?: string | undefined;
  readonly error: unknown;
}

/** Who tells the user what happens, result by result, in the order of the inputs. */
export interface Reporter {
  /** @param inputs those that are to be done */
  begin(inputs: readonly CommandInput[], methods: readonly string[]): void;
  result(result: SavedResult): Promise<void>;
  failure(failure: FailedInput): Promise<void>;
  end(summary: RunSummary): void;
}

export interface RunSummary {
  readonly inputs: number;
  /** Inputs that were dealt with; fewer than all after an interruption. */
  readonly done: number;
  /** Those of them that an earlier run did. */
  readonly before: number;
  readonly failed: number;
  /** Of this run. */
  readonly results: number;
  readonly interrupted: boolean;
  /** Where the manifest is, if there is one of this run. */
  readonly manifest: string | undefined;
  /** The page, where it was asked for and could be written. */
  readonly report?: string | undefined;
  /** Where one was asked for and could be written. */
  readonly sheet?: WrittenSheet | null | undefined;
}
