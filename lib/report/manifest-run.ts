import type { ErrorCode } from '../common/errors.ts';
import type { Size } from '../image/geometry.ts';
import { MAP_STATUSES } from '../result/status.ts';
import { askedKind } from '../targets/target.ts';
import type { PhotoInRun, PredictedClass, ReportMaker, ReportResult, ReportRun } from './data.ts';
import { layersText } from './layers-text.ts';
import { listOf, type ManifestRecord, numberOf, recordOf, textOf } from './manifest-record.ts';
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

/** A manifest as a run of a report. */
export class ManifestRun {
  readonly run: ReportRun;
  readonly photos: readonly RecordedPhoto[];
  readonly #makers = new Places<ReportMaker>();
  readonly #warnings = new Places<string>();

  constructor({ created, versions, model, results }: ManifestRecord, name: string) {
    const photos = new Map<string, RecordedPhoto & { results: RecordedResult[] }>();
    for (const line of results) {
      const input = textOf(line.input) ?? '';
      const image = numberOf(line.image);
      const key = JSON.stringify([input, image]);
      let photo = photos.get(key);
      if (!photo) {
        const shown = image === null ? input : `${input} [${image}]`;
        photo = { input, image: image ?? 0, name: shown, said: saidOf(line), results: [] };
        photos.set(key, photo);
      }
      if (line.error === undefined) photo.results.push(this.#resultOf(line, photo.results));
    }
    this.photos = [...photos.values()];
    this.run = {
      name,
      model,
      versions,
      started: created,
      makers: this.#makers.list,
      warnings: this.#warnings.list,
      summary: null,
      curves: [],
    };
  }

  /** @param before of the same photograph */
  #resultOf(line: Readonly<Record<string, unknown>>, before: readonly RecordedResult[]): RecordedResult {
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
  #makerOf(line: Readonly<Record<string, unknown>>, method: string): number {
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

function saidOf(line: Readonly<Record<string, unknown>>): PhotoInRun {
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
