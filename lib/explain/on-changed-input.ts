import { OnnxCamError } from '../common/errors.ts';
import { type InputChange, inverse, mappedRect, type Size } from '../image/geometry.ts';
import { type ReadyImage, withTensor } from '../network/images.ts';
import type { Network } from '../network/network.ts';
import { maskOf, positionsOf } from '../plan/readout.ts';
import type { Box } from '../targets/detection.ts';
import type { Region } from '../targets/readout.ts';
import type { ResolvedTarget } from '../targets/resolve.ts';
import type { ChangedInput } from '../techniques/technique.ts';
import type { Work } from './group-runs.ts';

/**
 * What is asked of an image, asked of an input that was made of it: boxes and regions of targets lie where the picture now
 * lies. A region that is predicted is predicted anew.
 * @throws `ERR_METHOD_UNSUPPORTED` where a target names a place, and the input's change cannot tell where it went
 */
export async function onChangedInput(
  network: Network,
  { image, targets, index }: Work,
  { tensor, change }: ChangedInput,
): Promise<Work> {
  const changed = withTensor(image, tensor, change === 'elsewhere' ? undefined : change);
  const moved = change
    ? await Promise.all(targets.map(one => movedTarget(network, one, image, changed, change)))
    : targets;
  return { image: changed, targets: moved, index };
}

async function movedTarget(
  network: Network,
  target: ResolvedTarget,
  from: ReadyImage,
  to: ReadyImage,
  change: InputChange | 'elsewhere',
): Promise<ResolvedTarget> {
  const { readout } = target;
  const box = readout?.kind === 'detection' ? readout.box : undefined;
  const region = readout?.kind === 'region' && readout.region !== 'predicted' ? readout.region : undefined;
  if (!box && !region) return target;
  if (change === 'elsewhere')
    throw new OnnxCamError(
      'ERR_METHOD_UNSUPPORTED',
      `a technique that turns the image cannot follow the ${box ? 'box' : 'region'} that the target names; ` +
        'take smooth-grad or augmentation, or a target without a place',
    );
  if (readout?.kind === 'detection') {
    const [x, y, width, height] = box!;
    const own = mappedRect({ x, y, width, height }, change);
    const moved: Box = [own.x, own.y, own.width, own.height];
    return { ...target, readout: { ...readout, box: moved } };
  }
  const head = network.head(target);
  const sizeOf = async ({ tensor }: ReadyImage) => positionsOf(head, await network.factsFor(network.sizeOf(tensor)));
  const [before, after] = await Promise.all([sizeOf(from), sizeOf(to)]);
  const mask = maskOf(region!, before.width, before.height);
  // One that does not fit is refused where it is fed.
  if (!mask) return target;
  const moved = movedMask(mask, { before, input: from.placement.input }, after, change);
  return { ...target, readout: { kind: 'region', region: moved } };
}

/**
 * The mask's pixel under the centre of each of the changed output's; nothing beyond its border. Of a region that lies between those
 * centres in a smaller output: the pixels that its own centres fall into.
 */
function movedMask(
  mask: Uint8Array,
  { before, input }: { readonly before: Size; readonly input: Size },
  { width, height }: Size,
  change: InputChange,
): Region {
  const from = { columns: before.width, rows: before.height, size: input };
  const to = { columns: width, rows: height, size: change.size };
  const moved = new Uint8Array(width * height);
  const back = { x: inverse(change.x), y: inverse(change.y) };
  eachCentre(to, from, back, (own, source) => {
    moved[own] = mask[source]!;
  });
  if (!moved.some(Boolean))
    eachCentre(from, to, change, (source, own) => {
      if (mask[source]) moved[own] = 1;
    });
  return { mask: moved, width, height };
}

/** An output's pixels, and the input that they lie over. */
interface Grid {
  readonly columns: number;
  readonly rows: number;
  readonly size: Size;
}

/** Of each pixel of a grid that of another one in which its centre lies, if any. */
function eachCentre(
  from: Grid,
  to: Grid,
  along: Pick<InputChange, 'x' | 'y'>,
  visit: (own: number, other: number) => void,
): void {
  const place = (i: number, { scale, offset }: InputChange['x'], cell: number, cellTo: number) =>
    Math.floor(((i + 0.5) * cell * scale + offset) / cellTo);
  for (let row = 0; row < from.rows; row++) {
    const r = place(row, along.y, from.size.height / from.rows, to.size.height / to.rows);
    if (r < 0 || r >= to.rows) continue;
    for (let column = 0; column < from.columns; column++) {
      const c = place(column, along.x, from.size.width / from.columns, to.size.width / to.columns);
      if (c >= 0 && c < to.columns) visit(row * from.columns + column, r * to.columns + c);
    }
  }
}
