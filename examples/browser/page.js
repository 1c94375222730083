/** A picture that a person drops, what the model says of it, and where it looked. */
import { openModel } from './model.js';

const LARGEST = 1024;
const drop = document.querySelector('#drop');
const file = document.querySelector('input');
const canvas = document.querySelector('canvas');
const answer = document.querySelector('#answer');
const fault = document.querySelector('[role=alert]');

let run;
let labels;
/** How many pictures were given so far: the answer for an older one is dropped. */
let given = 0;
try {
  [run, labels] = await Promise.all([openModel('model.onnx'), readLabels('model.onnx.json')]);
  answer.textContent = '';
  file.disabled = false;
} catch (error) {
  answer.textContent = '';
  fault.textContent = `The model could not be loaded: ${error.message}`;
}

file.addEventListener('change', () => show(file.files[0]));
for (const type of ['dragenter', 'dragover']) drop.addEventListener(type, () => drop.classList.add('over'));
for (const type of ['dragleave', 'drop']) drop.addEventListener(type, () => drop.classList.remove('over'));
window.addEventListener('drop', event => {
  event.preventDefault();
  if (!file.disabled) show(event.dataTransfer.files[0]);
});

// On the whole page: beside the frame the browser would leave it for the picture.
window.addEventListener('dragover', event => event.preventDefault());

async function show(picture) {
  if (!picture) return;
  const turn = ++given;
  answer.textContent = '';
  fault.textContent = '';
  try {
    const bitmap = await createImageBitmap(picture);
    const pixels = pixelsOf(bitmap);
    const { probabilities, map } = await run(pixels);
    if (turn !== given) return;
    draw(pixels, map);
    const best = probabilities.indexOf(Math.max(...probabilities));
    answer.textContent = `${labels[best] ?? `class ${best}`}, ${(100 * probabilities[best]).toFixed(1)} %`;
  } catch (error) {
    if (turn !== given) return;
    canvas.width = canvas.height = 0;
    fault.textContent = `${picture.name}: ${error.message}`;
  }
}

/** RGBA, large pictures scaled down. */
function pixelsOf(bitmap) {
  const scale = Math.min(1, LARGEST / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map(side => Math.max(1, Math.round(side * scale)));
  const context = new OffscreenCanvas(width, height).getContext('2d');
  context.drawImage(bitmap, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

function draw(pixels, map) {
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  const context = canvas.getContext('2d');
  context.putImageData(pixels, 0, 0);
  context.drawImage(heat(map), 0, 0, canvas.width, canvas.height);
}

/** The map as a picture to lay over: red where it is high, blue where it is low. The model saw the whole picture. */
function heat({ data, width, height }) {
  const colours = new ImageData(width, height);
  for (let i = 0; i < data.length; i++) colours.data.set([data[i], 64, 255 - data[i], 115], 4 * i);
  const layer = new OffscreenCanvas(width, height);
  layer.getContext('2d').putImageData(colours, 0, 0);
  return layer;
}

/** The file beside the bundled model has them as `labels`; a model of your own may have none. */
async function readLabels(url) {
  const response = await fetch(url);
  return response.ok ? ((await response.json()).labels ?? []) : [];
}
