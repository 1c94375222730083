const { dirname, join } = require('node:path');
const { load } = require('onnx-cam');

async function main() {
  const root = dirname(require.resolve('onnx-cam/package.json'));
  const cam = await load(join(root, 'assets/efficientnet-lite0.onnx'));
  const { map, target } = await cam.explain(join(root, 'assets/pictures/cat.png'));
  await cam.dispose();
  console.log(`${target.label}, ${map.width} x ${map.height}`);
}

main();
