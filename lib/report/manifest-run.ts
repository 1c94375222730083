import type { ErrorCode } from '../common/errors.ts';
import { listOf, numberOf, recordOf, textOf } from '../common/of-type.ts';
import type { Size } from '../image/geometry.ts';
import type { ResultLine } from '../manifest/read-manifests.ts';
import type { RunHeader } from '../manifest/run-header.ts';
import { MAP_STATUSES } from '../result/status.ts';
import { askedKind } from '../targets/target.ts';
import type { PhotoInRun, PredictedClass, ReportMaker, ReportResult, ReportRun } from './data.ts';
import type { FoundPhoto } from './first-photos.ts';
import { layersText } from './layers-text.ts';
import { Places } from './places.ts';

/** A photograph as a manifest has it. */
export interface RecordedPhoto {
  readonly input: string;
  /** Place in a tensor of several images. */
  readonly image: number;
  readonly name: string;
  /** Without its results. */
  readonly said: PhotoInRun;
  readonly results: readonly RecordedResult[];
}

export interface RecordedResult {
  readonly method: string;
  /** Without its map. */
  readonly result: ReportResult;
  /** Of the map, in the manifest's folder; null where none was saved. */
  readonly file: string | null;
  /** The method's own map's size; undefined where it is no plane. */
  readonly own: Size | undefined;
  /** The map's: [height, width], or [D, H, W]. */
  readonly shape: readonly number[];
  readonly preprocess: Readonly<Record<string, unknown>>;
}

/** A manifest as a run of a report: what made its maps is collected while the photographs are read. */
export class ManifestRun {
  readonly run: ReportRun;
  readonly #makers = new Places<ReportMaker>();
  readonly #warnings = new Places<string>();

  constructor({ started, versions, model, sha256 }: RunHeader, name: string) {
    this.run = {
      name,
      model: { path: model, sha256 },
      versions,
      started,
      makers: this.#makers.list,
      warnings: this.#warnings.list,
      summary: null,
      curves: [],
    };
  }

  /** @param lines its results; one at least */
  photo({ input, image }: Pick<FoundPhoto, 'input' | 'image'>, lines: readonly ResultLine['value'][]): RecordedPhoto {
    const results: RecordedResult[] = [];
    for (const line of lines) if (line.error === undefined) results.push(this.#resultOf(line, results));
    return { input, image: image ?? 0, name: photoName({ input, image }), said: saidOf(lines[0]!), results };
  }

  /** @param before of the same photograph */
  #resultOf(line: ResultLine['value'], before: readonly RecordedResult[]): RecordedResult {
    const target = recordOf(line.target);
    const kind = askedKind(textOf(target.kind) ?? 'class');
    const status = textOf(line.status) ?? '';
    const layers = [line.layer].flat().map(layer => textOf(recordOf(layer).name) ?? '?');
    const [height, width] = listOf(recordOf(line.raw).dims).slice(-2).map(numberOf);
    const map = recordOf(line.map);
    const method = textOf(line.method) ?? '?';
    const asked = classOf(target);
    // Two contrasts of one class are two results: what tells them apart is not in the manifest.
    const times = before.filter(
      ({ method: other, result }) =>
        other === method && result.target.index === asked.index && result.target.kind.split(' (')[0] === kind,
    ).length;
    return {
      method,
      result: {
        maker: this.#makerOf(line, method),
        target: {
          ...asked,
          score: numberOf(target.score),
          kind: times === 0 ? kind : `${kind} (${times + 1})`,
        },
        status: MAP_STATUSES.find(known => known === status) ?? 'not-finite',
        reason: textOf(line.reason),
        warnings: listOf(line.warnings)
          .filter(warning => typeof warning === 'string')
          .map(warning => this.#warnings.placeOf(warning)),
        layer: layersText(layers),
        map: null,
        metrics: {},
      },
      file: textOf(recordOf(line.files).map),
      own: width! >= 1 && height! >= 1 ? { width: width!, height: height! } : undefined,
      shape: (map.dims === undefined ? [map.height, map.width] : listOf(map.dims)).map(length => numberOf(length) ?? 0),
      preprocess: recordOf(line.preprocess),
    };
  }

  /** Parameters and layers are the same for all results of a method. */
  #makerOf(line: ResultLine['value'], method: string): number {
    const technique = [line.technique].flat().flatMap(one => textOf(recordOf(one).name) ?? []);
    const maker: ReportMaker = {
      method,
      layer: '',
      convention: textOf(line.convention) ?? '',
      params: '',
      technique: technique.join('+'),
      control: false,
    };
    return this.#makers.placeOf(maker, JSON.stringify(maker));
  }
}

export function photoName({ input, image }: Pick<FoundPhoto, 'input' | 'image'>): string {
  return image === null ? input : `${input} [${image}]`;
}

function saidOf(line: ResultLine['value']): PhotoInRun {
  const error = recordOf(line.error);
  return {
    predictions: listOf(line.predictions).map(prediction => classOf(recordOf(prediction))),
    correct: null,
    error:
      line.error === undefined
        ? null
        : { code: (textOf(error.code) ?? 'ERR_RUNTIME') as ErrorCode, message: textOf(error.message) ?? '' },
    results: [],
  };
}

function classOf(record: Readonly<Record<string, unknown>>): PredictedClass {
  return {
    index: numberOf(record.index) ?? -1,
    label: textOf(record.label),
    probability: numberOf(record.probability),
  };
}
