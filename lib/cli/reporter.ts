import type { Explanation } from '../result/explanation.ts';
import type { WrittenSheet } from './contact-sheet.ts';
import type { CommandInput } from './inputs.ts';
import type { ResultName, Saved } from './output-files.ts';

export interface SavedResult extends Saved {
  readonly input: string;
  readonly name: ResultName;
  readonly explanation: Explanation;
}

export interface FailedInput {
  /** Absent where the manifest could not be written. */
  readonly input?: string;
  /** Where one result of several could not be written. */
  readonly method?: string;
  readonly error: unknown;
}

/** Who tells the user what happens, result by result, in the order of the inputs. */
export interface Reporter {
  begin(inputs: readonly CommandInput[], methods: readonly string[]): void;
  result(result: SavedResult): Promise<void>;
  failure(failure: FailedInput): Promise<void>;
  end(summary: RunSummary): void;
}

export interface RunSummary {
  readonly inputs: number;
  /** Inputs that were dealt with; fewer than all after an interruption. */
  readonly done: number;
  readonly failed: number;
  readonly results: number;
  readonly interrupted: boolean;
  /** Whether there is a manifest of this run. */
  readonly hasManifest: boolean;
  /** The page, where it was asked for and could be written. */
  readonly report?: string | undefined;
  /** Where one was asked for and could be written. */
  readonly sheet?: WrittenSheet | null | undefined;
}
