/** What techniques stand on: maps of changed inputs are computed apart from results, find their way back, and merge. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Session } from '../../lib/engine/session.ts';
import { assembleResults } from '../../lib/explain/assemble-results.ts';
import { type ComputedMaps, computeMaps } from '../../lib/explain/compute-maps.ts';
import type { Work } from '../../lib/explain/group-runs.ts';
import { withoutRanks } from '../../lib/explain/run-targets.ts';
import type { Stage } from '../../lib/explain/stage.ts';
import { detectSource } from '../../lib/image/source.ts';
import { loadModel } from '../../lib/model/load-model.ts';
import { readImage, withTensor } from '../../lib/network/images.ts';
import { MaskOptimizers } from '../../lib/network/mask-optimizers.ts';
import { Network } from '../../lib/network/network.ts';
import { RunSchedule } from '../../lib/network/run-schedule.ts';
import { Scorers } from '../../lib/network/scorers.ts';
import { SessionCache } from '../../lib/network/session-cache.ts';
import { Requests } from '../../lib/request/request.ts';
import { resolveFor } from '../../lib/request/targets.ts';
import { parseTarget } from '../../lib/targets/parse.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { noiseImage, plainModel } from '../helpers/explain-models.ts';

const SIDE = 16;
const cache = new SessionCache();
let stage: Stage;
beforeAll(async () => {
  const model = await loadModel(plainModel(), { createSession: (bytes, options) => Session.create(bytes, options) });
  const schedule = new RunSchedule(1, { sideBySide: true });
  const network = new Network(model, cache, {}, { schedule });
  const noPictures = () => {
    throw new TypeError('these are tensors');
  };
  stage = {
    network,
    schedule,
    scorers: new Scorers(model, cache, {}, { threads: 1 }),
    optimizers: new MaskOptimizers(network, noPictures),
    setting: { labels: undefined },
    requests: new Requests(network, {}),
  };
});
afterAll(() => cache.dispose());

const image = () => noiseImage([1, 3, SIDE, SIDE], 5);

/** The image turned over, left to right. */
function flipped(): Float32Array {
  const { data } = image();
  return data.map((_, i) => data[i - (i % SIDE) + (SIDE - 1 - (i % SIDE))]!);
}

async function clean(): Promise<Work> {
  const { network } = stage;
  const ready = await readImage(
    detectSource(image()),
    network.model.input,
    { preprocessing: () => expect.fail(), decoding: {} },
    {},
  );
  return { image: ready, targets: resolveFor(network, parseTarget('top1'), undefined), index: 0 };
}

const mapOf = async (work: Work, computed: ComputedMaps) =>
  (await assembleResults(stage, [work], computed, { mapSize: 'picture', techniques: [], known: [] }))[0]![0]![0]![0]!;

it('a flipped input is explained for the class of the clean one, over the original picture', async () => {
  const request = stage.requests.make({ method: 'layer-cam' });
  const work = await clean();
  const computed = await computeMaps(stage, [work], request);
  const { target } = await mapOf(work, computed);

  const variant: Work = {
    ...work,
    image: withTensor(
      work.image,
      { type: 'float32', data: flipped(), dims: [1, 3, SIDE, SIDE] },
      { x: { scale: -1, offset: SIDE }, y: { scale: 1, offset: 0 }, size: { width: SIDE, height: SIDE } },
    ),
    targets: work.targets.map(one => withoutRanks(one, computed.outcome.run.rows[0]!)),
  };
  const result = await mapOf(variant, await computeMaps(stage, [variant], request));
  expect(result.target.index).toBe(target.index);

  // The same input given by itself lies as it is: its map is the variant's, turned over.
  const alone: Work = { ...variant, image: withTensor(work.image, variant.image.tensor) };
  const turned = (await mapOf(alone, await computeMaps(stage, [alone], request))).map.data;
  expectClose(
    result.map.data,
    turned.map((_, i) => turned[i - (i % SIDE) + (SIDE - 1 - (i % SIDE))]!),
    1e-5,
  );
});

it('maps of several runs merge into one result', async () => {
  const request = stage.requests.make({ method: 'grad-cam', params: { relu: false } });
  const work = await clean();
  const one = await computeMaps(stage, [work], request);
  const mergedWith = (change: (data: Float32Array) => Float32Array): ComputedMaps => ({
    ...one,
    methods: one.methods.map(method => ({
      ...method,
      sets: method.sets.map(set =>
        set.map(computed => {
          const { maps } = computed.maps;
          const other = change(maps.data);
          const mean = maps.data.map((value, p) => (value + other[p]!) / 2);
          return { ...computed, maps: { ...computed.maps, maps: { ...maps, data: mean } } };
        }),
      ),
    })),
  });
  const plain = (await mapOf(work, one)).map.data;
  expectClose(
    (
      await mapOf(
        work,
        mergedWith(data => data),
      )
    ).map.data,
    plain,
    1e-6,
  );
  // The mean of a map and of what it is upside down and back to front looks the same either way round.
  const turned = (
    await mapOf(
      work,
      mergedWith(data => data.toReversed()),
    )
  ).map.data;
  expectClose(turned, turned.toReversed(), 1e-6);
  expect(turned).not.toEqual(plain);
});
