// Every picture of a folder as a line of a table: its class, and the box around what speaks for it.
//
//   node examples/folder-to-csv.js [FOLDER] [OUT.csv] [MODEL]      (the bundled pictures, boxes.csv, the bundled model)
//
// A picture that fails is a line with its error, and makes the program end with 1; the others are done all the same.
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { load } from 'onnx-cam';

const asset = name => fileURLToPath(new URL(`../assets/${name}`, import.meta.url));
const [folder = asset('pictures'), out = 'boxes.csv', model = asset('efficientnet-lite0.onnx')] = process.argv.slice(2);

const cam = await load(model, { limitInputPixels: 100e6 });
// From stream to file: no more than a few pictures are in work ahead of what is written.
await pipeline(Readable.from(lines()), createWriteStream(out));
await cam.dispose();

async function* lines() {
  yield line(['file', 'class', 'label', 'probability', 'x', 'y', 'width', 'height', 'error']);
  for await (const { input, result, error } of cam.stream(folder)) {
    if (error) process.exitCode = 1;
    if (error) yield line([input, '', '', '', '', '', '', '', `${error.code}: ${error.message}`]);
    else {
      const { index, label, probability } = result.target;
      const [box] = await result.boxes({ threshold: { ofMax: 0.3 } }); // none where the map is empty: result.status
      yield line([input, index, label, probability, box?.x, box?.y, box?.width, box?.height, result.reason]);
    }
  }
}

/** As RFC 4180 quotes. */
function line(cells) {
  return `${cells.map(cell => `"${String(cell ?? '').replaceAll('"', '""')}"`).join(',')}\r\n`;
}
