import { nodeResolve } from '@rollup/plugin-node-resolve';

export default {
  input: 'app.js',
  output: { file: 'out/app.js', format: 'es' },
  external: ['onnx-cam'],
  plugins: [nodeResolve()],
};
