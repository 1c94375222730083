const ESBUILD_ALL =
  'npx esbuild app.js --bundle --platform=node --format=esm --external:onnxruntime-node --external:sharp --outfile=out/app.js';

const NEXT = {
  files: ['next/app', 'next/next.config.mjs'],
  tools: ['next', 'react', 'react-dom'],
  deploy: ['.next/standalone'],
  start: 'node server.js',
  path: '/api/map',
  note: 'standalone output, a request',
};

/**
 * How each tool is tried. `files`: of scripts/bundlers, into the project. `tools`: development packages. `build`: commands in the
 * project. `deploy`: what of it goes to an empty folder; 'node_modules' without the development packages. `start`: a
 * command there that prints the map's facts, or what the map is asked of by HTTP. `fails`: what the error must say.
 */
export const RECIPES = {
  'no bundler': { files: ['app.js'], deploy: ['app.js', 'node_modules'], start: 'node app.js' },
  docker: {
    files: ['app.js', 'docker/Dockerfile'],
    build: ['@Dockerfile'],
    deploy: ['app.js', 'node_modules'],
    start: 'node app.js',
    note: 'the RUN lines in an empty folder, without Docker',
  },
  lambda: {
    files: ['lambda/handler.mjs', 'lambda/invoke.mjs', 'docker/Dockerfile'],
    build: ['@Dockerfile'],
    deploy: ['handler.mjs', 'invoke.mjs', 'node_modules'],
    zipped: true,
    start: 'node invoke.mjs',
    note: 'unzipped in an empty folder, the handler called',
  },
  next: { ...NEXT, build: ['npx next build'] },
  'next, webpack': { ...NEXT, build: ['npx next build --webpack'] },
  esbuild: {
    files: ['app.js'],
    tools: ['esbuild'],
    build: ['npx esbuild app.js --bundle --platform=node --format=esm --external:onnx-cam --outfile=out/app.js'],
    deploy: ['out', 'node_modules'],
    start: 'node out/app.js',
  },
  'esbuild, CommonJS': {
    files: ['app.js'],
    tools: ['esbuild'],
    build: ['npx esbuild app.js --bundle --platform=node --external:onnx-cam --outfile=out/app.cjs'],
    deploy: ['out', 'node_modules'],
    start: 'node out/app.cjs',
  },
  webpack: {
    files: ['app.js', 'webpack/webpack.config.js'],
    tools: ['webpack', 'webpack-cli'],
    build: ['npx webpack'],
    deploy: ['out', 'node_modules'],
    start: 'node out/app.js',
  },
  vite: {
    files: ['app.js', 'vite/vite.config.js'],
    tools: ['vite'],
    build: ['npx vite build'],
    deploy: ['out', 'node_modules'],
    start: 'node out/app.js',
    note: 'SSR build',
  },
  rollup: {
    files: ['app.js', 'rollup/rollup.config.js'],
    tools: ['rollup', '@rollup/plugin-node-resolve'],
    build: ['npx rollup --config'],
    deploy: ['out', 'node_modules'],
    start: 'node out/app.js',
  },
  rolldown: {
    files: ['app.js'],
    tools: ['rolldown'],
    build: ['npx rolldown app.js --platform node --external onnx-cam --file out/app.js'],
    deploy: ['out', 'node_modules'],
    start: 'node out/app.js',
  },
  nft: {
    files: ['app.js'],
    tools: ['@vercel/nft'],
    build: ['npx nft build app.js'],
    deploy: ['dist'],
    start: 'node app.js',
    note: 'the traced files alone',
  },
  'esbuild, onnx-cam in the bundle': {
    files: ['app.js'],
    tools: ['esbuild'],
    build: [
      `${ESBUILD_ALL} --external:@cwasm/nsbmp`,
      'mv node_modules/onnx-cam/prebuilds node_modules/onnx-cam/package.json out && rm -r node_modules/onnx-cam',
    ],
    deploy: ['out', 'node_modules'],
    start: 'node out/app.js',
    note: 'its `prebuilds/` and `package.json` beside it',
  },
  'esbuild, onnx-cam in the bundle, no binary': {
    files: ['app.js'],
    tools: ['esbuild'],
    build: [ESBUILD_ALL, 'rm -r node_modules/onnx-cam'],
    deploy: ['out', 'node_modules'],
    start: 'node out/app.js',
    fails: /keep onnx-cam external/,
    note: '`ERR_ADDON` says what to do',
  },
};
