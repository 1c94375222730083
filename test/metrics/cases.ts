import type { MetricCase, MetricConvention, MetricValue } from '../../lib/metrics/definition.ts';
import { JudgedMap } from '../../lib/metrics/judged-map.ts';
import { resolveMetricParams } from '../../lib/metrics/params.ts';
import { findMetric } from '../../lib/metrics/registry.ts';
import { Subject, type SubjectParts } from '../../lib/metrics/subject.ts';
import type { TruthAtInput } from '../../lib/metrics/truth-at-input.ts';

export interface Plane {
  readonly data: ArrayLike<number>;
  readonly width: number;
  readonly height: number;
}

export interface Asked extends Partial<Omit<MetricCase, 'params' | 'map' | 'subject'>> {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly convention?: MetricConvention;
  readonly parts?: Partial<SubjectParts>;
}

/** What a metric that reads no scores says of a map. */
export async function judge(
  name: string,
  plane: Plane,
  { params = {}, convention = 'paper', parts, ...others }: Asked = {},
): Promise<MetricValue> {
  const { width, height } = plane;
  const metric = findMetric(name);
  const subject = new Subject({
    input: new Float32Array(width * height),
    shape: { channels: 1, width, height, channelsLast: false },
    preprocess: null,
    scores: { probability: 0.5, logit: 0 },
    probable: true,
    seed: 0,
    index: 0,
    ...parts,
  });
  return metric.measure(
    {
      ...others,
      subject,
      map: new JudgedMap(Float32Array.from(plane.data), subject),
      convention,
      params: resolveMetricParams(metric, params, convention),
    },
    { probability: new Float64Array(0), logit: new Float64Array(0) },
  );
}

/** A truth of cells 0, 1 and 255, and boxes. */
export function truthOf(mask: ArrayLike<number>, boxes: TruthAtInput['boxes'] = []): TruthAtInput {
  const cells = Uint8Array.from(mask);
  return { mask: cells, boxes, inside: cells.filter(cell => cell === 1).length };
}

/** The fixture's map: Grad-CAM of M2 for class 0, pytorch-grad-cam's convention. */
export const S: Plane = {
  data: [5 / 6, 0.625, 5 / 24, 0, 0.875, 0.71875, 0.40625, 0.25, 23 / 24, 0.90625, 77 / 96, 0.75, 1, 1, 1, 1],
  width: 4,
  height: 4,
};

/** Its object: rows 2 and 3, columns 0 and 1. */
export const G = truthOf([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0], [[0, 2, 2, 2]]);
