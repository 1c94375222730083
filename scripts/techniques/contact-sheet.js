import sharp from 'sharp';
import { path } from '../support/strip.js';

const [COLUMNS, WIDTH, CAPTION, GAP] = [3, 270, 22, 6];

/** Overlays of one picture under all variants with their names below, as one JPEG. @param file of the repository */
export async function contactSheet(cam, picture, variants, file) {
  const tiles = [];
  for (const { name, options } of variants) {
    const { data, info } = await (await cam.explain(picture, options)).overlay();
    tiles.push({
      name,
      ...(await sharp(data, { raw: info }).resize({ width: WIDTH }).png().toBuffer({ resolveWithObject: true })),
    });
  }
  const height = tiles[0].info.height + CAPTION;
  const rows = Math.ceil(tiles.length / COLUMNS);
  const composite = tiles.flatMap(({ name, data }, i) => {
    const left = (i % COLUMNS) * (WIDTH + GAP);
    const top = Math.floor(i / COLUMNS) * (height + GAP);
    return [
      { input: data, left, top },
      { input: caption(name), left, top: top + height - CAPTION },
    ];
  });
  const size = { width: COLUMNS * (WIDTH + GAP) - GAP, height: rows * (height + GAP) - GAP };
  await sharp({ create: { ...size, channels: 3, background: 'white' } })
    .composite(composite)
    .jpeg({ quality: 82 })
    .toFile(path(file));
}

const caption = text =>
  Buffer.from(
    `<svg width="${WIDTH}" height="${CAPTION}"><text x="${WIDTH / 2}" y="16" font-family="sans-serif" font-size="14" text-anchor="middle">${text}</text></svg>`,
  );
