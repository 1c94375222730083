// What of a picture a sentence is about: the similarity of a CLIP image encoder's embedding to a text's, explained.
//
//   node examples/clip-similarity.js ENCODER.onnx TEXT.npy PICTURE [OUT.png] [METHOD]          (similarity.png, grad-cam)
//
// ENCODER gives an embedding [N, D] of pictures; TEXT.npy holds D float32 numbers. Both come out of Python once:
//   model, _, _ = open_clip.create_model_and_transforms('ViT-B-32', 'laion2b_s34b_b79k')
//   numpy.save('text.npy', model.encode_text(open_clip.get_tokenizer('ViT-B-32')(['a cat'])).detach().numpy()[0])
//   torch.onnx.export(model.visual, torch.zeros(1, 3, 224, 224), 'encoder.onnx')
import { readFile } from 'node:fs/promises';
import { load } from 'onnx-cam';
import { similarity } from 'onnx-cam/targets';

const [encoder, text, picture, out = 'similarity.png', method = 'grad-cam'] = process.argv.slice(2);
if (!picture)
  throw new Error('usage: node examples/clip-similarity.js ENCODER.onnx TEXT.npy PICTURE [OUT.png] [METHOD]');

const cam = await load(encoder, { preprocess: 'clip' });
const result = await cam.explain(picture, { method, target: similarity(await readVector(text)) });
await cam.dispose();
await result.toFile(out);
console.log(
  `cosine ${result.target.score.toFixed(3)}, ${out}${result.reason ? `, ${result.status}: ${result.reason}` : ''}`,
);

/** NumPy's format: a magic word, two bytes of version, the header's length, the header, the values. */
async function readVector(file) {
  const bytes = await readFile(file);
  const start = 10 + bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, start);
  if (!header.includes("'<f4'")) throw new Error(`${file} holds no float32 numbers: ${header}`);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length));
}
