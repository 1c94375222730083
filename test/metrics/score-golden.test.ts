import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { MetricParamValue } from '../../lib/metrics/definition.ts';
import { expectClose } from '../helpers/expect-close.ts';
import { type FixtureNetwork, gradCamOf, measureFixture } from '../helpers/fixture-network.ts';

interface Weights {
  readonly kernels: readonly (readonly (readonly (readonly number[])[])[])[];
  readonly offsets: readonly number[];
  readonly rows: readonly (readonly number[])[];
  readonly bias: readonly number[];
}

interface GoldenMap {
  readonly name: string;
  readonly data: readonly number[];
  readonly torchcam: Readonly<Record<string, number>>;
  /** null: NaN, where every pixel was removed. */
  readonly 'pytorch-grad-cam': Readonly<Record<string, number | null>> &
    Readonly<Record<'morf' | 'lerf', readonly (number | null)[]>>;
  readonly captum: Readonly<Record<string, number>>;
  readonly quantus: {
    readonly 'pixel-flipping': { readonly step: number; readonly curve: readonly number[] };
    readonly 'region-perturbation': { readonly patch: number; readonly curve: readonly number[] };
    readonly 'region-perturbation, centred': Readonly<Record<'patch' | 'regions', number>> & {
      curve: readonly number[];
    };
    readonly 'faithfulness-correlation': Readonly<Record<'subset' | 'mean' | 'sd' | 'n', number>>;
  } | null;
}

/** What the tools say (test/golden/make_score_metrics.py). */
const golden = JSON.parse(readFileSync(new URL('../golden/metrics/scores.json', import.meta.url), 'utf8')) as {
  readonly percentiles: readonly number[];
  readonly cases: readonly {
    readonly name: string;
    readonly weights: Weights;
    readonly image: readonly (readonly (readonly number[])[])[];
    readonly target: number;
    readonly maps: readonly GoldenMap[];
  }[];
};

const PGC = 'pytorch-grad-cam';

describe.each(golden.cases)('$name', ({ weights: { kernels, offsets, rows, bias }, image, target, maps }) => {
  const [height, width] = [image[0]!.length, image[0]![0]!.length];
  const network: FixtureNetwork = {
    shape: { channels: image.length, height, width, channelsLast: false },
    size: kernels[0]![0]!.length,
    kernels: kernels.flat(3),
    offsets,
    rows,
    bias,
  };
  const input = Float32Array.from(image.flat(2));

  describe.each(maps)('$name', ({ name, data, torchcam, [PGC]: pgc, captum, quantus }) => {
    const map = Float32Array.from(data);
    const how = { network, input, map, target };

    test('torchcam', async () => {
      expect(Object.keys(torchcam)).toHaveLength(4);
      for (const [metric, expected] of Object.entries(torchcam)) {
        const { value } = await measureFixture(metric, { ...how, convention: 'torchcam' });
        expectClose([value!], [expected], 1e-5);
      }
    });

    test('pytorch-grad-cam: confidence and the parts of ARCC', async () => {
      for (const metric of ['average-drop', 'average-increase', 'coherency', 'complexity']) {
        const { value } = await measureFixture(metric, { ...how, convention: PGC });
        expectClose([value!], [pgc[metric]!], 1e-5);
      }
    });

    test('pytorch-grad-cam: ROAD', async () => {
      const { percentiles } = golden;
      for (const order of ['morf', 'lerf'] as const) {
        const params = { percentiles, noise: 0 };
        const { curve, reason } = await measureFixture(`road-${order}`, { ...how, params, convention: PGC });
        // NaN there, the score of zeros here, and said.
        const known = pgc[order].flatMap((change, i) => (change === null ? [] : [i]));
        expectClose(
          known.map(i => curve!.y[i]!),
          known.map(i => pgc[order][i]!),
          2e-5,
        );
        if (known.length < percentiles.length) expect(reason).toBe('nothing kept');
      }
      for (const metric of ['road-morf', 'road-lerf', 'road', 'arcc']) {
        const params: Record<string, MetricParamValue> = metric === 'arcc' ? { noise: 0 } : { percentiles, noise: 0 };
        const { value, reason } = await measureFixture(metric, { ...how, params, convention: PGC });
        if (pgc[metric] === null) expect(reason).toBe('nothing kept');
        else expectClose([value!], [pgc[metric]!], 2e-5);
      }
    });

    test('captum: infidelity', async () => {
      const { patch, ...scores } = captum;
      expect(Object.keys(scores)).toHaveLength(8);
      for (const [key, expected] of Object.entries(scores)) {
        const [perturbation, score, kind] = key.split(' ') as [string, string, string];
        const params = { patch: patch!, perturbation, score, normalize: kind === 'normalized' };
        const { value } = await measureFixture('infidelity', { ...how, params });
        expectClose([value! / Math.max(1, expected)], [expected / Math.max(1, expected)], 1e-5);
      }
    });

    test.runIf(quantus)('Quantus: pixel flipping, region perturbation', async () => {
      const { 'pixel-flipping': flipping, 'region-perturbation': regions, ...others } = quantus!;
      const { curve } = await measureFixture('pixel-flipping', { ...how, params: { step: flipping.step } });
      expectClose(curve!.y.slice(1), flipping.curve, 1e-5);
      for (const { curve: expected, ...params } of [regions, others['region-perturbation, centred']]) {
        const ours = await measureFixture('aopc', { ...how, params, convention: 'quantus' });
        expectClose(ours.curve!.y, expected, 1e-5);
      }
    });

    test.runIf(quantus)('Quantus: faithfulness correlation, on average', async () => {
      const { subset, mean, sd, n } = quantus!['faithfulness-correlation'];
      const values: number[] = [];
      for (let seed = 0; seed < 100; seed++) {
        const asked = { ...how, seed, convention: 'quantus', params: { subset } } as const;
        values.push((await measureFixture('faithfulness-correlation', asked)).value!);
      }
      const ours = values.reduce((a, b) => a + b) / values.length;
      expect(Math.abs(ours - mean)).toBeLessThan(4 * Math.hypot(sd / Math.sqrt(n), sd / Math.sqrt(values.length)));
    });

    test.runIf(name === 'grad-cam')('the Grad-CAM that the second map is made by', () => {
      expectClose(gradCamOf(network, input, target), map, 1e-5);
    });
  });
});
