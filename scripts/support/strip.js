import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const HEIGHT = 240;

/** A file of the repository. */
export const path = name => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/** Writes raw pictures side by side, all of one height, as a JPEG. */
export async function strip(pictures, file, height = HEIGHT) {
  const tiles = await Promise.all(
    pictures.map(({ data, info }) =>
      sharp(data, { raw: info }).resize({ height }).png().toBuffer({ resolveWithObject: true }),
    ),
  );
  let left = 0;
  const composite = tiles.map(({ data, info }) => {
    const placed = { input: data, left, top: 0 };
    left += info.width + 4;
    return placed;
  });
  await sharp({ create: { width: left - 4, height, channels: 3, background: 'white' } })
    .composite(composite)
    .jpeg({ quality: 85 })
    .toFile(path(file));
}
