export default {
  output: 'standalone',
  serverExternalPackages: ['onnx-cam'],
  // Models are opened by path, and Turbopack does not follow a binding to the library that it loads.
  outputFileTracingIncludes: {
    '/api/map': ['./models/**', './node_modules/onnxruntime-node/bin/*/linux/x64/*'],
  },
};
