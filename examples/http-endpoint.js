// A picture in the body of a POST, what the model saw in the answer: JSON, or with ?overlay the overlay as JPEG.
//
//   node examples/http-endpoint.js [PORT] [MODEL]                                         (8080, the bundled model)
//   curl --data-binary @assets/pictures/cat.png 'localhost:8080/?target=tiger+cat'
//   curl --data-binary @assets/pictures/cat.png 'localhost:8080/?overlay' > overlay.jpg
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { load } from 'onnx-cam';

const bundled = fileURLToPath(new URL('../assets/efficientnet-lite0.onnx', import.meta.url));
const [port = 8080, model = bundled] = process.argv.slice(2);
const MOST_BYTES = 20e6;
const STATUS = { ERR_IMAGE_INVALID: 400, ERR_TARGET_UNKNOWN: 400, ERR_TARGET_RANGE: 400, ERR_BUSY: 503 };
const cam = await load(model, { maxQueue: 8, limitInputPixels: 50e6 });

const server = createServer(async (request, response) => {
  const answer = (status, type, body) => response.writeHead(status, { 'content-type': type }).end(body);
  const left = new AbortController(); // nothing is computed for those who have hung up
  response.once('close', () => left.abort());
  try {
    if (!(Number(request.headers['content-length']) <= MOST_BYTES)) return answer(413, 'text/plain', 'too large\n');
    const query = new URL(request.url, 'http://localhost').searchParams;
    const name = query.get('target') ?? 'top1';
    const target = /^\d+$/.test(name) ? Number(name) : name;
    const result = await cam.explain(await buffer(request), { target, signal: left.signal, mapSize: { max: 1024 } });
    if (query.has('overlay')) answer(200, 'image/jpeg', await result.toBuffer({ format: 'jpeg' }));
    else answer(200, 'application/json', JSON.stringify({ ...result.toJSON(), boxes: await result.boxes() }));
  } catch ({ code, message }) {
    if (left.signal.aborted) return;
    if (code === 'ERR_BUSY') response.setHeader('retry-after', 1);
    answer(STATUS[code] ?? 500, 'application/json', JSON.stringify({ code, message }));
  }
});
server.listen(port, () => console.log(`listening on port ${server.address().port}`));
