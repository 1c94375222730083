// Adds gradient nodes to the models that make_autodiff_cases.py writes: one JSON request per line on standard input
// (ONNX file in base64, facts, seeds, wrt, an input that holds a direction for second derivatives), one answer per line. Uses the built library (npm run build).
import { createInterface } from 'node:readline';
import { differentiate } from '../../build/modules/autodiff/differentiate.js';
import { parseModel } from '../../build/modules/model/file/parse-model.js';
import { makeValueInfo } from '../../build/modules/model/graph/value-info.js';
import { writeModel } from '../../build/modules/model/file/write-model.js';

for await (const line of createInterface({ input: process.stdin })) {
  const { model, facts, seeds, wrt, second } = JSON.parse(line);
  try {
    const graph = parseModel(Buffer.from(model, 'base64'));
    const { gradients, facts: known } = differentiate({ graph, facts: new Map(Object.entries(facts)), seeds, wrt });
    for (const name of gradients.values()) graph.outputs.push(makeValueInfo(name));
    const answer = { gradients: Object.fromEntries(gradients) };
    if (second) {
      // Directional derivative of the gradient of the first tensor.
      const directions = { [gradients.get(wrt[0])]: { gradient: second } };
      const { gradients: products } = differentiate({ graph, facts: known, seeds: directions, wrt: [wrt[0]] });
      answer.product = products.get(wrt[0]);
      graph.outputs.push(makeValueInfo(answer.product));
    }
    answer.model = Buffer.from(writeModel(graph)).toString('base64');
    console.log(JSON.stringify(answer));
  } catch (error) {
    console.log(JSON.stringify({ error: error.stack }));
  }
}
