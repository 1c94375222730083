// The frames of an animated GIF or WebP with maps of one class over them. Colours mean the same in all frames: they stand
// for one range of the method's own values.
//
//   node examples/video-frames.js [IN.gif] [OUT.gif] [MODEL]      (a pan over the bundled cat, overlay.gif, the bundled model)
//
// For other videos: `ffmpeg -i video.mp4 -vf fps=5 frames/%04d.jpg`, and the paths of these files as `frames`.
import { fileURLToPath } from 'node:url';
import { load } from 'onnx-cam';
import sharp from 'sharp';

const asset = name => fileURLToPath(new URL(`../assets/${name}`, import.meta.url));
const [video, out = 'overlay.gif', model = asset('efficientnet-lite0.onnx')] = process.argv.slice(2);
const frames = await Promise.all(video ? pagesOf(video, (await sharp(video).metadata()).pages) : panOver());

const cam = await load(model);
const [{ index: target, label }] = await cam.predict(frames[0]);
const results = [];
for await (const { result, error } of cam.stream(frames, { target, mapSize: { max: 640 } })) {
  if (error) throw error;
  results.push(result);
}
const ranges = await Promise.all(results.map(result => result.range()));
const largest = Math.max(...ranges.map(range => range?.[1] ?? 0));
if (!(largest > 0)) throw new Error(`nothing speaks for ${label ?? target}: ${results[0].reason}`);
const overlays = await Promise.all(results.map(result => result.toBuffer({ range: [0, largest] })));
await cam.dispose();
await sharp(overlays, { join: { animated: true } })
  .gif({ delay: overlays.map(() => 200) })
  .toFile(out);
console.log(`${out}: ${overlays.length} frames, ${label ?? target}`);

function pagesOf(file, count = 1) {
  return Array.from({ length: count }, (_, page) => sharp(file, { page }).png().toBuffer());
}

function panOver(file = asset('pictures/cat.png')) {
  return [0, 40, 80, 120].map(left => sharp(file).extract({ left, top: 0, width: 240, height: 260 }).png().toBuffer());
}
