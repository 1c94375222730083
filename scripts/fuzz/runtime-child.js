/** Loads and runs a model with onnxruntime-node alone: `node runtime-child.js MODEL`. What kills this is not the library. */
import ort from 'onnxruntime-node';

const [path] = process.argv.slice(2);
for (const graphOptimizationLevel of ['disabled', 'all'])
  for (const batch of [1, 2]) {
    try {
      const session = await ort.InferenceSession.create(path, {
        graphOptimizationLevel,
        logSeverityLevel: 4,
        intraOpNumThreads: 1,
      });
      const feeds = Object.fromEntries(
        session.inputMetadata.map(({ name, type, shape }) => {
          const dims = shape.map((dim, axis) =>
            typeof dim === 'number' && dim >= 0 ? dim : axis === 0 ? batch : axis === 1 ? 3 : 32,
          );
          const count = dims.reduce((product, dim) => product * dim, 1);
          return [name, new ort.Tensor(type, new Float32Array(count).fill(0.5), dims)];
        }),
      );
      await session.run(feeds);
    } catch {
      // An answer, whatever it says.
    }
  }
process.exit(0);
