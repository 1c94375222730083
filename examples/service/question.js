// What may be asked. Lengths and ranges are bounded here, by JSON schemas that Fastify compiles; what remains (is there such a class, such a
// layer?) the library knows, and says.
import { Refusal } from './errors.js';
import { validationText } from './validation.js';

const options = {
  method: { type: 'string', minLength: 1, maxLength: 64 },
  target: { type: 'string', minLength: 1, maxLength: 200 },
  layer: { type: 'string', minLength: 1, maxLength: 300 },
  // The longest side of maps and overlays.
  size: { type: 'integer', minimum: 16, maximum: 2048, default: 512 },
  // How JSON holds the map.
  map: { enum: ['none', 'float16', 'float32', 'npy'], default: 'none' },
  // What a picture shows.
  kind: { enum: ['overlay', 'heatmap'], default: 'overlay' },
  colormap: { enum: ['jet', 'turbo', 'viridis', 'inferno', 'magma', 'plasma', 'greys'], default: 'jet' },
  alpha: { type: 'number', minimum: 0, maximum: 1, default: 0.5 },
  boxes: { type: 'boolean', default: false },
};

/** In the address. The model stands there alone: whether there is a place for a request is known before its body is read. */
export const QUERY = {
  type: 'object',
  additionalProperties: false,
  properties: { ...options, model: { type: 'string', maxLength: 64 } },
};

/** In a form. What is in neither has its default from the address. */
export const FIELDS = {
  type: 'object',
  additionalProperties: false,
  properties: Object.fromEntries(Object.entries(options).map(([name, { default: _, ...rest }]) => [name, rest])),
};

/** @throws 400 for fields of a form that are not as they should be */
export function checkFields(request, fields) {
  const check = request.compileValidationSchema(FIELDS, 'querystring');
  if (check(fields)) return;
  throw new Refusal(400, 'ERR_OPTION_INVALID', `form${validationText(check.errors[0])}`);
}

/** Options of `explain`. One map an answer. @throws 400, 422 */
export function explainOptions({ method, target = 'top1', layer, size }, methods) {
  if (/^top-?\d+$/i.test(target) && !/^top-?1$/i.test(target))
    throw new Refusal(400, 'ERR_OPTION_INVALID', `an answer has one map: '${target}' is several; ask for each class`);
  if (method !== undefined && !methods.includes(method))
    throw new Refusal(
      422,
      'ERR_METHOD_UNSUPPORTED',
      `the service has no method '${method}'; it has ${methods.join(', ')}`,
    );
  return {
    method: method ?? methods[0],
    target: numberOr(target),
    layer: layer === undefined ? undefined : numberOr(layer),
    mapSize: { max: size },
  };
}

/** Classes by their index and layers counted from the end are numbers. */
const numberOr = text => (/^-?\d{1,9}$/.test(text) ? Number(text) : text);
