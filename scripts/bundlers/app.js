// What every recipe deploys: one map.
import { load } from 'onnx-cam';

async function main() {
  const cam = await load('models/model.onnx');
  const { map, status, target } = await cam.explain('models/picture.jpg');
  await cam.dispose();
  console.log(JSON.stringify({ label: target.label, status, size: [map.width, map.height] }));
}

main();
