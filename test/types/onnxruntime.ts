/** onnxruntime-node's tensors as users hand them over. Its own declarations need those of a browser, or skipLibCheck. */
import { computeMap, type Explanation, load } from 'onnx-cam';
import * as ort from 'onnxruntime-node';

const cam = await load('model.onnx');
const pixels = new Float32Array(3 * 224 * 224);
const explanation: Explanation = await cam.explain(new ort.Tensor('float32', pixels, [1, 3, 224, 224]));
await cam.explain('cat.jpg', { inputs: { text: new ort.Tensor('int64', BigInt64Array.of(1n), [1]) } });

const session = await ort.InferenceSession.create('model.onnx');
const { features, gradients } = (await session.run({ x: new ort.Tensor('float32', pixels, [1, 3, 224, 224]) })) as {
  features: ort.TypedTensor<'float32'>;
  gradients: ort.TypedTensor<'float32'>;
};
await computeMap('grad-cam', { activations: features, gradients });
await cam.explain(features);
console.log(explanation.status);
