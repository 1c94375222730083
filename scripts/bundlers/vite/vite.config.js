export default {
  build: { ssr: 'app.js', outDir: 'out' },
  // Packages are external by default; with `ssr.noExternal` it has to be said:
  ssr: { noExternal: true, external: ['onnx-cam'] },
};
