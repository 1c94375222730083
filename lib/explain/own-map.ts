import type { MetricCase } from '../metrics/definition.ts';

/**
 * Distance to the method's map, relative to that: what rounding to 8 bits and the way through a picture's size stay below, and what
 * another method, class, picture or stretch does not.
 */
const TOLERANCE = 0.01;

/**
 * Metrics that explain again compare with the map at hand: of another origin than the method's they measure that difference too.
 * @returns what is to be known where the map is not what the method makes of the clean input
 * @throws what explaining throws
 */
export async function whyForeign(
  data: Float32Array,
  explain: NonNullable<MetricCase['explain']>,
): Promise<string | undefined> {
  const own = await explain({});
  let squares = 0;
  let norm = 0;
  for (let i = 0; i < own.length; i++) {
    squares += (own[i]! - data[i]!) ** 2;
    norm += own[i]! ** 2;
  }
  const distance = squares === 0 ? 0 : Math.sqrt(squares / norm);
  if (distance <= TOLERANCE) return undefined;
  const far = Number.isFinite(distance) ? `${Number((100 * distance).toPrecision(2))} % of its norm away` : 'far away';
  return (
    `the map is not the one that the method makes of this image and class (${far}), and this metric compares it with maps of ` +
    'that method: name the method, layer, fusion, params, seed, convention and target that made it, and give it at the size of the ' +
    "model's input (`mapSize: 'input'`) or as Explanation"
  );
}
