// What the service is told when it starts: a JSON file, and the environment for what differs from machine to machine. All of it is
// checked before anything is loaded, so that a typo ends the start and not a request at night.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Ajv } from 'ajv';
import { validationText } from './validation.js';

const count = (value, description) => ({ type: 'integer', minimum: 1, default: value, description });

const model = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'path'],
  properties: {
    // The name is a label of the metrics: a few fixed texts. Two versions of a model are two models.
    name: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$' },
    path: { type: 'string', minLength: 1, description: 'relative to this file' },
    preload: { type: 'boolean', default: false, description: 'loaded before the service is ready, and never given up' },
    // What strangers may ask for. Methods that run the network thousands of times belong on a queue, not behind a request.
    methods: {
      type: 'array',
      minItems: 1,
      items: { type: 'string' },
      default: ['grad-cam', 'grad-cam++', 'hirescam', 'layer-cam', 'xgrad-cam', 'eigen-cam'],
      description: 'the first is the default',
    },
    options: { type: 'object', default: {}, description: 'of load(): preprocess, labels, intraOpNumThreads …' },
  },
};

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['models'],
  properties: {
    models: { type: 'array', minItems: 1, items: model, description: 'the first is the default' },
    host: { type: 'string', default: '0.0.0.0' },
    port: { type: 'integer', minimum: 0, maximum: 65535, default: 8080 },
    logLevel: { enum: ['fatal', 'error', 'warn', 'info', 'debug', 'silent'], default: 'info' },
    modelsInMemory: count(2, 'further ones take the place of the one that was not asked for longest'),
    maxQueue: count(32, 'requests of a model that wait or are in work; more are refused at once'),
    maxBody: count(20_000_000, 'bytes of one request'),
    maxHeld: count(256_000_000, 'bytes of all requests together'),
    maxConnections: count(1000),
    maxPixels: count(50_000_000, 'of a picture, before it is decoded'),
    timeout: count(10_000, 'milliseconds of a request, its upload and its waiting included'),
    retryAfter: count(1, 'seconds that clients are told to wait where the service is busy'),
    drainDelay: {
      type: 'integer',
      minimum: 0,
      default: 0,
      description: 'milliseconds from SIGTERM until no more come',
    },
    shutdownTimeout: count(20_000, 'milliseconds for what is in work by then'),
  },
};

/** @throws with everything that is wrong */
export function readConfig(file, environment = process.env) {
  const config = JSON.parse(readFileSync(file, 'utf8'));
  if (environment.HOST) config.host = environment.HOST;
  if (environment.PORT) config.port = Number(environment.PORT);
  if (environment.LOG_LEVEL) config.logLevel = environment.LOG_LEVEL;
  const ajv = new Ajv({ useDefaults: true, allErrors: true });
  if (!ajv.validate(schema, config)) {
    const faults = ajv.errors.map(error => `config${validationText(error)}`);
    throw new Error(`${file}: ${faults.join('; ')}`);
  }
  const names = config.models.map(({ name }) => name);
  if (new Set(names).size < names.length) throw new Error(`${file}: two models have one name: ${names.join(', ')}`);
  const kept = config.models.filter(({ preload }) => preload).length;
  if (kept > config.modelsInMemory)
    throw new Error(`${file}: ${kept} models are to be kept and modelsInMemory is ${config.modelsInMemory}`);
  for (const one of config.models) {
    one.path = resolve(dirname(file), one.path);
    if (typeof one.options.labels === 'string') one.options.labels = resolve(dirname(file), one.options.labels);
  }
  return config;
}
