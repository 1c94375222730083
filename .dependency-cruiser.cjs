// The order of lib's folders, checked by `npm run lint`: a file imports from its own folder and from those further down.
const { readdirSync } = require('node:fs');

const LIB = [
  'reference', // plain twins: of tests and benches alone
  'cli',
  'serve',
  'queue',
  'index.ts',
  'load.ts',
  'compute-map.ts',
  'correlation.ts',
  'stream.ts',
  'explainer.ts',
  'export',
  'explain',
  'request',
  'options.ts',
  'techniques',
  'maps',
  'report',
  'manifest',
  'stores',
  'evaluation',
  'truth',
  'metrics',
  'result',
  'network',
  'plan',
  'methods',
  'scoring',
  'autodiff',
  'model',
  'targets',
  'image',
  'io',
  'kernels',
  'engine',
  'common',
];

/** Of the command: from what is typed to what is printed. */
const CLI = [
  'main.ts',
  'program.ts',
  'commands',
  'run',
  'inputs',
  'options',
  'context.ts',
  'tell',
  'library.ts',
  'package.ts',
  'interrupt.ts',
];

const MODEL = ['load-model.ts', 'settle-batch.ts', 'mixed-batch.ts', 'rewrite', 'probe', 'file', 'find', 'graph'];

/** One rule for each entry but the first: nothing above it. */
function rulesOfOrder(folder, order) {
  const unnamed = readdirSync(folder).filter(entry => !order.includes(entry));
  const gone = order.filter(entry => !readdirSync(folder).includes(entry));
  if (unnamed.length > 0)
    throw new Error(`give ${folder}/${unnamed[0]} a place in the order of .dependency-cruiser.cjs`);
  if (gone.length > 0) throw new Error(`.dependency-cruiser.cjs names ${folder}/${gone[0]}, which does not exist`);
  const pathOf = entry => `^${folder}/${entry.replace('.', '\\.')}${entry.endsWith('.ts') ? '$' : '/'}`;
  return order.slice(1).map((entry, above) => ({
    name: `${folder}/${entry} imports from above`,
    severity: 'error',
    from: { path: pathOf(entry) },
    to: { path: order.slice(0, above + 1).map(pathOf) },
  }));
}

/** Development packages that become part of dist/ (scripts/support/bundle.js): plain JavaScript, without files of their own. */
const BUNDLED = [
  '@bufbuild/protobuf',
  'ansi-escapes',
  'cli-progress',
  'colormap',
  'commander',
  'csv-parse',
  'csv-stringify',
  'd3-contour',
  'detect-libc',
  'env-paths',
  'environment',
  'is-safe-filename',
  'onnx-buf',
  'sax',
  'sixel',
  'supports-terminal-graphics',
  'tinyglobby',
].map(name => `^node_modules/(@types/)?${name}/`);

/** Optional peers, which users install for `onnx-cam serve`, `s3://` and queues: imported when they are needed. */
const PEERS =
  '^node_modules/(fastify|@fastify/(multipart|static)|@aws-sdk/(client-s3|lib-storage)|bullmq|ioredis|pg|@types/pg)/';

const ENTRIES = '^lib/(index|cli/main|kernels/index|targets/index)\\.ts$';

module.exports = {
  forbidden: [
    { name: 'circle of files', severity: 'error', from: {}, to: { circular: true } },
    ...rulesOfOrder('lib', LIB),
    ...rulesOfOrder('lib/cli', CLI),
    ...rulesOfOrder('lib/model', MODEL),
    {
      name: 'published code needs a package that users do not get',
      severity: 'error',
      from: { path: '^lib/', pathNot: '^lib/reference/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], pathNot: [...BUNDLED, PEERS] },
    },
    {
      name: 'no entry of the package leads here',
      severity: 'error',
      from: { path: ENTRIES },
      to: { path: '^lib/', pathNot: [ENTRIES, '^lib/reference/', '\\.d\\.ts$'], reachable: false },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true, // type imports count
    parser: 'swc',
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
