import { openPicture, type RgbImage } from '../../lib/image/decode.ts';

/** A picture's pixels, opened and decoded at once. */
export async function decodeImage(...[input, options]: Parameters<typeof openPicture>): Promise<RgbImage> {
  return (await openPicture(input, options)).decode(options?.signal);
}
