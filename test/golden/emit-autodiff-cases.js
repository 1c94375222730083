// Adds gradient nodes to the models that make_autodiff_cases.py writes: one JSON request per line on standard input
// (ONNX file in base64, facts, seeds, wrt), one answer per line. Uses the built library (npm run build).
import { createInterface } from 'node:readline';
import { differentiate } from '../../dist/autodiff/differentiate.js';
import { parseModel } from '../../dist/model/read.js';
import { makeValueInfo } from '../../dist/model/value-info.js';
import { toFileBytes } from '../../dist/model/write.js';

for await (const line of createInterface({ input: process.stdin })) {
  const { model, facts, seeds, wrt, options } = JSON.parse(line);
  try {
    const graph = parseModel(Buffer.from(model, 'base64'));
    const result = differentiate({ graph, facts: new Map(Object.entries(facts)), seeds, wrt, ...options });
    for (const name of result.gradients.values()) graph.outputs.push(makeValueInfo(name));
    const bytes = Buffer.from(toFileBytes(graph)).toString('base64');
    console.log(JSON.stringify({ model: bytes, gradients: Object.fromEntries(result.gradients) }));
  } catch (error) {
    console.log(JSON.stringify({ error: error.stack }));
  }
}
