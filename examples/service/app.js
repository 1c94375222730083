// The parts put together: what Fastify is told, and what happens to errors.
import accepts from '@fastify/accepts';
import multipart from '@fastify/multipart';
import { fastify, LogController } from 'fastify';
import { answerOf } from './errors.js';
import { addExplain } from './explain.js';
import { Metrics } from './metrics.js';
import { Models } from './models.js';
import { observe, requestIdOf } from './observe.js';
import { Patience } from './patience.js';
import { HeldBytes } from './picture.js';
import { addProbes } from './probes.js';
import { validationText } from './validation.js';

/** @returns the server, its models, and what its shutting down is told by */
export async function makeApp(config) {
  const app = fastify({
    logger: { level: config.logLevel },
    // One line a request, by observe.js.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    bodyLimit: config.maxBody,
    // Of sockets, behind the request's own time: headers that trickle in, answers that nobody takes.
    requestTimeout: 2 * config.timeout,
    connectionTimeout: 2 * config.timeout,
    http: { connectionsCheckingInterval: 1000 },
    // What is unknown is refused, not left out: a typo would be answered with another map than was asked for.
    ajv: { customOptions: { removeAdditional: false } },
    schemaErrorFormatter: ([error], where) => new Error(`${where}${validationText(error)}`),
    frameworkErrors: refuse,
  });
  app.server.maxConnections = config.maxConnections;

  const models = new Models(config, app.log);
  const heldBytes = new HeldBytes(config);
  const metrics = new Metrics({ models, maxQueue: config.maxQueue, heldBytes });
  const patience = new Patience(config.timeout);
  const state = { closing: false, requests: 0 };
  app.server.on('drop', () => metrics.refusals.inc({ reason: 'connections' }));

  for (const name of ['patient', 'model', 'answerType', 'code']) app.decorateRequest(name, undefined);
  observe(app, { metrics, state });
  // Without it, connections of requests that finish while the service ends would be kept for the next one, which is not taken.
  app.addHook('onSend', async (_request, reply) => {
    if (state.closing) reply.header('connection', 'close');
  });

  app.setErrorHandler(refuse);
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ code: 'ERR_NOT_FOUND', message: 'there is nothing here: POST /explain' }),
  );

  await app.register(accepts);
  // JSON and text are answered with 415.
  app.removeAllContentTypeParsers();
  await app.register(multipart);
  addProbes(app, { models, metrics, state });
  addExplain(app, { models, metrics, heldBytes, patience });
  return { app, models, patience, state };

  function refuse(error, request, reply) {
    const { status, code, message, reason } = answerOf(error, request.id);
    request.code = code;
    if (status === 500 || reason === 'memory') request.log.error({ err: error }, 'failed');
    if (reason) metrics.refusals.inc({ reason });
    if (status === 503) reply.header('retry-after', config.retryAfter);
    // The rest of a body that is not wanted any more is not waited for.
    if (status === 408) reply.header('connection', 'close');
    return reply.code(status).type('application/json').send({ code, message });
  }
}
