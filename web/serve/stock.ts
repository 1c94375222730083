import { batch, signal } from '@preact/signals';
import type { ReportResult } from '../../lib/report/data.ts';
import type { PhotoPayload } from '../../lib/report/payload.ts';
import type {
  ExplanationRequest,
  ServedExplanation,
  ServedModel,
  ServedPicture,
  ServeState,
} from '../../lib/serve/api.ts';
import { addChunk, removeChunk } from '../state/payloads.ts';
import { report } from '../state/report.ts';
import { settings } from '../state/settings.ts';
import { shownPhoto, shownRun } from '../state/shown.ts';
import { withExplanation, withModel, withoutMaps, withoutModel, withoutPicture, withPicture } from './gather.ts';
import { request } from './server.ts';

// What the server has, and every explanation that it gave this page. Models stand as the report's runs do, pictures as its photographs.

export const models = signal<readonly ServedModel[]>([]);
export const pictures = signal<readonly ServedPicture[]>([]);
/** What else the server says; null before it has answered. */
export const server = signal<Pick<ServeState, 'limits' | 'techniques'> | null>(null);

/** An explanation with what was asked for. */
export interface Answer {
  readonly request: ExplanationRequest;
  /** In the report. */
  readonly results: readonly ReportResult[];
  readonly explanation: Pick<ServedExplanation, 'warnings' | 'milliseconds' | 'command' | 'program'>;
}

/** By the request as JSON. */
export const answers = signal<ReadonlyMap<string, Answer>>(new Map());

const keyOf = ({ model, picture, method, layer, target, technique }: ExplanationRequest): string =>
  JSON.stringify([model, picture, method, layer ?? '', target ?? 'top1', technique ?? '']);

export const answerTo = (asked: ExplanationRequest): Answer | undefined => answers.value.get(keyOf(asked));

/** What was asked for when this result was made. */
export function answerWith(result: ReportResult): Answer | undefined {
  return [...answers.value.values()].find(({ results }) => results.includes(result));
}

/** Chunks by the picture's id: each picture has its own, that another's place doesn't change when it goes. */
const payloads = new Map<string, { readonly chunk: number; readonly payload: PhotoPayload }>();
let chunks = 0;

function keep(picture: string, chunk: number, payload: PhotoPayload): void {
  payloads.set(picture, { chunk, payload });
  addChunk(chunk, [payload]);
}

/** Bytes of maps and pictures that this page keeps. */
export function keptBytes(): number {
  let bytes = 0;
  for (const { payload } of payloads.values()) {
    bytes += payload.picture?.data.length ?? 0;
    for (const { data } of payload.maps) bytes += data.length;
  }
  return bytes;
}

/** Asks for the models and pictures that there are: another page of the same server may have brought and removed some. */
export async function refresh(): Promise<void> {
  const state: ServeState = await (await request('GET', 'api/state')).json();
  batch(() => {
    server.value = { limits: state.limits, techniques: state.techniques };
    if (report.value.version !== state.version) report.value = { ...report.value, version: state.version };
    for (const { id } of models.value) if (!state.models.some(model => model.id === id)) forgetModel(id);
    for (const { id } of pictures.value) if (!state.pictures.some(picture => picture.id === id)) forgetPicture(id);
    for (const model of state.models) addModel(model);
    for (const picture of state.pictures) addPicture(picture);
  });
}

export function addModel(model: ServedModel): void {
  if (models.value.some(({ id }) => id === model.id)) return;
  batch(() => {
    models.value = [...models.value, model];
    report.value = withModel(report.value, model);
  });
}

export function addPicture(picture: ServedPicture): void {
  if (pictures.value.some(({ id }) => id === picture.id)) return;
  const chunk = chunks++;
  keep(picture.id, chunk, { picture: picture.picture, maps: [], curves: {} });
  batch(() => {
    pictures.value = [...pictures.value, picture];
    report.value = withPicture(report.value, picture, chunk);
  });
}

/** Adds what came for a request; nothing where its model or picture has gone meanwhile. */
export function addAnswer(asked: ExplanationRequest, answer: ServedExplanation): Answer | null {
  const run = models.value.findIndex(({ id }) => id === asked.model);
  const photo = pictures.value.findIndex(({ id }) => id === asked.picture);
  const kept = payloads.get(asked.picture);
  if (run < 0 || photo < 0 || !kept) return null;
  const { data, payload, results } = withExplanation(report.value, kept.payload, { photo, run }, answer);
  keep(asked.picture, kept.chunk, payload);
  const { warnings, milliseconds, command, program } = answer;
  const added: Answer = { request: asked, results, explanation: { warnings, milliseconds, command, program } };
  batch(() => {
    report.value = data;
    answers.value = new Map([...answers.value, [keyOf(asked), added]]);
  });
  return added;
}

/** With all explanations of it. */
export async function removeModel(id: string): Promise<void> {
  await request('DELETE', `api/models/${encodeURIComponent(id)}`);
  forgetModel(id);
}

export async function removePicture(id: string): Promise<void> {
  await request('DELETE', `api/pictures/${encodeURIComponent(id)}`);
  forgetPicture(id);
}

function forgetModel(id: string): void {
  const run = models.value.findIndex(model => model.id === id);
  if (run < 0) return;
  batch(() => {
    const shown = shownRun.value;
    for (const [i, { id: picture }] of pictures.value.entries()) {
      const { chunk, payload } = payloads.get(picture)!;
      const gone = report.value.photos[i]!.runs[run]?.results.map(({ map }) => map) ?? [];
      keep(picture, chunk, withoutMaps(payload, gone));
    }
    models.value = models.value.toSpliced(run, 1);
    report.value = withoutModel(report.value, run);
    forgetAnswers(({ model }) => model === id);
    settings.run.value = Math.max(0, run < shown ? shown - 1 : Math.min(shown, models.value.length - 1));
  });
}

function forgetPicture(id: string): void {
  const photo = pictures.value.findIndex(picture => picture.id === id);
  if (photo < 0) return;
  batch(() => {
    const shown = shownPhoto.value;
    pictures.value = pictures.value.toSpliced(photo, 1);
    report.value = withoutPicture(report.value, photo);
    forgetAnswers(({ picture }) => picture === id);
    removeChunk(payloads.get(id)!.chunk);
    payloads.delete(id);
    settings.photo.value = Math.max(0, photo < shown ? shown - 1 : Math.min(shown, pictures.value.length - 1));
  });
}

function forgetAnswers(isGone: (asked: ExplanationRequest) => boolean): void {
  answers.value = new Map([...answers.value].filter(([, { request: asked }]) => !isGone(asked)));
}
