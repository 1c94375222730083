import { ownArray } from '../common/kinds.ts';
import type { OpenPicture } from '../image/decode.ts';
import type { Size } from '../image/geometry.ts';
import { fittingInto } from '../image/map-size.ts';
import type { RawPicture } from '../image/raw-picture.ts';
import { loadSharp } from '../image/sharp.ts';
import { shownPicture } from '../network/images.ts';
import type { SmallPicture } from './payload.ts';

/** Pixels of the longer side: what a page shows at full width on a small screen, a tenth of a megabyte for five. */
export const LONGEST_SIDE = 448;
/** At it three hundred photographs take 6 MB. */
const QUALITY = 70;

/** A picture as a page holds it. @throws `ERR_ADDON` without sharp */
export async function smallPicture({ data, info }: RawPicture): Promise<SmallPicture> {
  const sharp = await loadSharp();
  const { data: bytes, info: made } = await sharp(ownArray(data), { raw: info, limitInputPixels: false })
    .resize({ width: LONGEST_SIDE, height: LONGEST_SIDE, fit: 'inside', withoutEnlargement: true })
    .webp({ quality: QUALITY })
    .toBuffer({ resolveWithObject: true });
  return { type: 'image/webp', data: bytes.toString('base64'), width: made.width, height: made.height };
}

/** A picture of a file as a page holds it, as overlays show it, and its own size. @throws as `decode`; `ERR_ADDON` without sharp */
export async function openedPicture(
  opened: OpenPicture,
): Promise<{ readonly size: Size; readonly picture: SmallPicture }> {
  const { width, height } = opened;
  return {
    size: { width, height },
    picture: await smallPicture(await shownPicture(opened, fittingInto(opened, LONGEST_SIDE))),
  };
}
