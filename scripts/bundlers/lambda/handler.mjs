import { load } from 'onnx-cam';

// Outside the handler: loaded once for an instance, while it starts.
const cam = await load('models/model.onnx');

export async function handler() {
  const { map, status, target } = await cam.explain('models/picture.jpg');
  return { label: target.label, status, size: [map.width, map.height] };
}
