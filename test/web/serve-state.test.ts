import { describe, expect, test } from 'vitest';
import type { ReportData } from '../../lib/report/data.ts';
import type { PhotoPayload } from '../../lib/report/payload.ts';
import type { ServedPicture } from '../../lib/serve/api.ts';
import { droppedFiles } from '../../web/serve/dropped-files.ts';
import {
  explainedOnly,
  withExplanation,
  withModel,
  withoutMaps,
  withoutModel,
  withPicture,
} from '../../web/serve/gather.ts';
import { groupFiles } from '../../web/serve/group-files.ts';
import { suggester } from '../../web/serve/suggestions.ts';
import { explanationOf, fakeModel } from './fake-serve.ts';

describe('files that are dropped together', () => {
  const names = (...all: string[]) => {
    const { models, pictures, stray } = groupFiles(all.map(name => new File([], name)));
    const of = (files: readonly File[]) => files.map(({ name }) => name);
    return { models: models.map(of), pictures: of(pictures), stray: of(stray) };
  };

  test('a model takes all that is no picture', () => {
    expect(names('labels.txt', 'a.jpg', 'net.onnx', 'net.onnx.data', 'weights', 'config.json', 'B.PNG')).toEqual({
      models: [['net.onnx', 'labels.txt', 'net.onnx.data', 'weights', 'config.json']],
      pictures: ['a.jpg', 'B.PNG'],
      stray: [],
    });
  });

  test('of several models each takes what has its name, and what has nobody’s', () => {
    expect(names('net.onnx', 'net-int8.onnx', 'net-int8.onnx.json', 'net.onnx.data', 'labels.txt').models).toEqual([
      ['net.onnx', 'net.onnx.data', 'labels.txt'],
      ['net-int8.onnx', 'net-int8.onnx.json', 'labels.txt'],
    ]);
  });

  test('without a model all are pictures but what can be none', () => {
    expect(names('a.jpg', 'picture', 'labels.txt', 'config.json')).toEqual({
      models: [],
      pictures: ['a.jpg', 'picture'],
      stray: ['labels.txt', 'config.json'],
    });
  });
});

describe('folders that are dropped', () => {
  const file = (name: string) => ({
    name,
    isFile: true,
    isDirectory: false,
    file: (take: (file: File) => void) => take(new File([], name)),
  });
  const folder = (name: string, ...inside: unknown[]) => {
    // Browsers give a hundred at a time.
    const batches = [inside.slice(0, 2), inside.slice(2), []];
    const createReader = () => ({ readEntries: (take: (some: unknown[]) => void) => take(batches.shift() ?? []) });
    return { name, isFile: false, isDirectory: true, createReader };
  };

  test('are read with all that lies in them, but what is hidden', async () => {
    const dropped = [folder('all', file('a.jpg'), file('.DS_Store'), folder('in', file('b.jpg'))), file('c.jpg')];
    const items = dropped.map(entry => ({ kind: 'file', webkitGetAsEntry: () => entry }));
    const found = await droppedFiles({ items, files: [] } as unknown as DataTransfer);
    expect(found.map(({ name }) => name)).toEqual(['a.jpg', 'b.jpg', 'c.jpg']);
  });
});

describe('suggestions of classes', () => {
  test('ranks, then labels that begin with the text, then those that hold it', () => {
    const offer = suggester(['house cat', null, 'cat', 'dog']);
    expect(offer('CAT').map(({ value }) => value)).toEqual(['cat', 'house cat']);
    expect(offer('').map(({ value }) => value)).toEqual(['top1', 'top3', 'house cat', 'cat', 'dog']);
    expect(offer('top')).toHaveLength(2);
  });

  test('what the label would not find is asked for by its index', () => {
    const labels = ['crane', 'Crane ', '7', 'top2', 'rest:1', '1,2', 'tabby, cat'];
    expect(suggester(labels)('').slice(2)).toEqual([
      ...labels.slice(0, 6).map((text, index) => ({ value: String(index), text })),
      { value: 'tabby, cat', text: 'class 6' },
    ]);
  });

  test('are few of many', () => {
    expect(suggester(Array.from({ length: 21_000 }, (_, i) => `class of ${i}`))('class')).toHaveLength(50);
  });
});

describe('explanations gathered as a report', () => {
  const empty: ReportData = { version: '1', made: '', runs: [], photos: [], leftOut: 0, payloads: null };
  const picture: ServedPicture = {
    id: 'p',
    name: 'cat.png',
    width: 4,
    height: 3,
    picture: { type: 'image/webp', data: '', width: 4, height: 3 },
  };
  const ask = (method: string, target: string) => explanationOf({ model: 'm', picture: 'p', method, target });
  const two = () =>
    withModel(withPicture(withModel(empty, fakeModel('m', 'net.onnx')), picture, 5), fakeModel('n', 'other.onnx'));
  const nothing: PhotoPayload = { picture: picture.picture, maps: [], curves: {} };

  test('makers, warnings and maps are counted on; what is there already is not doubled', () => {
    const at = { photo: 0, run: 1 };
    const first = withExplanation(two(), nothing, at, ask('grad-cam', 'top1'));
    const second = withExplanation(first.data, first.payload, at, {
      ...ask('layer-cam', 'top3'),
      warnings: ['another warning'],
    });
    const third = withExplanation(second.data, second.payload, at, ask('grad-cam', 'top3'));
    const [none, run] = third.data.runs;
    expect(none!.makers).toEqual([]);
    expect(run!.makers.map(({ method }) => method)).toEqual(['grad-cam', 'layer-cam']);
    expect(run!.warnings).toHaveLength(2);
    const { results } = third.data.photos[0]!.runs[1]!;
    expect(results.map(({ maker, target, map }) => [maker, target.index, map])).toEqual([
      [0, 1, 0],
      [1, 1, 1],
      [1, 0, 2],
      [1, 4, 3],
      [0, 0, 4],
      [0, 4, 5],
    ]);
    expect(results.map(({ warnings: [place] }) => run!.warnings[place!])).toEqual([
      ...[run!.warnings[0], run!.warnings[1], run!.warnings[1], run!.warnings[1], run!.warnings[0], run!.warnings[0]],
    ]);
    expect(third.results.map(result => results.indexOf(result))).toEqual([0, 4, 5]);
    expect(third.payload.maps).toHaveLength(6);
    expect(third.payload.maps[4]).toEqual(ask('grad-cam', 'top3').maps[1]);
  });

  test('a report to save has only what was explained', () => {
    const { data } = withExplanation(
      withPicture(two(), { ...picture, name: 'dog.png' }, 6),
      nothing,
      { photo: 1, run: 1 },
      ask('grad-cam', 'top1'),
    );
    const { data: saved, from } = explainedOnly(data);
    expect(from).toEqual([1]);
    expect(saved.runs.map(({ name }) => name)).toEqual(['other.onnx']);
    expect(saved.photos.map(({ name, runs }) => [name, runs.length])).toEqual([['dog.png', 1]]);
  });

  test('a model that goes leaves no maps behind, and the others their places', () => {
    const first = withExplanation(two(), nothing, { photo: 0, run: 0 }, ask('grad-cam', 'top1'));
    const second = withExplanation(first.data, first.payload, { photo: 0, run: 1 }, ask('layer-cam', 'top1'));
    const left = withoutModel(second.data, 0);
    expect(left.runs.map(({ name }) => name)).toEqual(['other.onnx']);
    expect(left.photos[0]!.runs[0]!.results[0]!.map).toBe(1);
    const { maps } = withoutMaps(second.payload, [0]);
    expect(maps[0]!.data.length).toBeLessThan(8);
    expect(maps[1]).toBe(second.payload.maps[1]);
  });
});
