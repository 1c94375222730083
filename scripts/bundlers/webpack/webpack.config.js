export default {
  mode: 'production',
  target: 'node',
  entry: './app.js',
  experiments: { outputModule: true },
  output: { module: true, filename: 'app.js', path: `${import.meta.dirname}/out` },
  externalsType: 'module',
  externals: ['onnx-cam'],
};
