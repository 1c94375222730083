import { visible } from '../../common/visible.ts';
import { layersText } from '../../report/layers-text.ts';
import type { Explanation } from '../../result/explanation.ts';
import type { OutputStore } from '../../stores/output-store.ts';
import type { CommandInput } from '../inputs/inputs.ts';
import type { Console } from '../tell/console.ts';
import { failureLines } from '../tell/failure.ts';
import { plural, shapeText, targetText } from '../tell/text.ts';
import type { WrittenSheet } from './contact-sheet.ts';
import { failureLine, resultLine } from './json-lines.ts';
import type { ResultFiles } from './output-files.ts';
import type { FailedInput, Reporter, RunSummary, SavedResult } from './reporter.ts';
import { Warnings } from './warnings.ts';

/** Most labels with their probability fit. */
const TARGET_WIDTH = 24;
/** Longer names are not padded, so that one long path doesn't push everything to the right. */
const WIDEST_COLUMN = 32;

export interface ReportOptions {
  /** Where results go. */
  readonly store: Pick<OutputStore, 'location' | 'pathOf'>;
  /** JSON lines on standard output. */
  readonly json: boolean;
  readonly debug: boolean;
}

/** A line per result for people on standard error and, if wanted, one of JSON on standard output. */
export class ExplainReporter implements Reporter {
  readonly #console: Console;
  readonly #options: ReportOptions;
  readonly #warnings: Warnings;
  #inputWidth = 0;
  #methodWidth = 0;
  #usualLayer: string | undefined;

  constructor(console: Console, options: ReportOptions) {
    this.#console = console;
    this.#options = options;
    this.#warnings = new Warnings(console);
  }

  begin(inputs: readonly CommandInput[], methods: readonly string[]): void {
    this.#inputWidth = columnWidth(inputs, ({ path }) => visible(path));
    this.#methodWidth = columnWidth(methods, method => method);
  }

  async result(result: SavedResult): Promise<void> {
    const { input, name, explanation, files } = result;
    if (this.#usualLayer === undefined) {
      this.#usualLayer = layerNames(explanation.layer);
      for (const { name, shape, reason } of [explanation.layer].flat())
        this.#console.note(`layer ${name} [${shapeText(shape)}]: ${reason}`);
    }
    const place = name.image === undefined ? visible(input) : `${visible(input)} [${name.image}]`;
    this.#console.note(
      [
        place.padEnd(this.#inputWidth),
        explanation.method.padEnd(this.#methodWidth),
        visible(targetText(explanation.target)).padEnd(TARGET_WIDTH),
        ...this.#layerText(explanation.layer),
        ...fileText(files, this.#options.store),
      ].join('  '),
    );
    this.#warnings.tell(place, explanation);
    if (this.#options.json) await this.#console.print(resultLine(result, this.#options.store));
  }

  async failure(failure: FailedInput): Promise<void> {
    this.#console.note(...failureLines(failure.error, { input: failure.input, debug: this.#options.debug }));
    if (this.#options.json && failure.input !== undefined) await this.#console.print(failureLine(failure));
  }

  end({ inputs, done, failed, results, interrupted, manifest, report, sheet }: RunSummary): void {
    const { store } = this.#options;
    const written = report ?? manifest;
    const of = plural(inputs, 'input');
    if (sheet) this.#console.note(`contact sheet → ${store.pathOf(sheet.file)}${leftOutText(sheet)}`);
    this.#console.note(
      interrupted
        ? `onnx-cam: ERR_ABORTED: interrupted after ${done} of ${of}; what was finished is in ${written ?? store.location}`
        : `${plural(results, 'result')}${failed > 0 ? `, ${failed} of ${of} failed` : ''}${written === undefined ? '' : `; see ${written}`}`,
    );
  }

  /** Only said where it is not the layer that was announced before the first result. */
  #layerText(layer: Explanation['layer']): string[] {
    return layerNames(layer) === this.#usualLayer ? [] : [`at ${layerNames(layer)}`];
  }
}

/** There may be a million. */
function columnWidth<T>(items: readonly T[], textOf: (item: T) => string): number {
  const widest = items.reduce((width, item) => Math.max(width, textOf(item).length), 0);
  return Math.min(WIDEST_COLUMN, widest);
}

const layerNames = (layer: Explanation['layer']): string => layersText([layer].flat().map(({ name }) => name));

function fileText(files: ResultFiles, store: ReportOptions['store']): string[] {
  const shown = files.overlay ?? files.heatmap ?? files.mask ?? files.map ?? files.raw;
  return shown === undefined ? [] : [`→ ${store.pathOf(shown)}`];
}

function leftOutText({ columns, of }: WrittenSheet): string {
  return of > columns ? ` (the first ${columns} of ${of} columns: pictures and their targets)` : '';
}
