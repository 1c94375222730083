// What is known of every request when it is over: a line of the log, and the metrics. Of what clients send nothing goes into the log but the
// method and path of what was asked: no pictures, no queries, no headers.
import { randomUUID } from 'node:crypto';

/** The id that a proxy gave the request, where it is one, else a new one. It is in the log and in the answer. */
export function requestIdOf({ headers }) {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
}

export function observe(app, { metrics, state }) {
  app.addHook('onRequest', async (request, reply) => {
    const start = performance.now();
    reply.header('x-request-id', request.id);
    state.requests++;
    // 'close' comes always, 'finish' not for clients that have left.
    reply.raw.once('close', () => {
      state.requests--;
      const ms = performance.now() - start;
      const status = reply.raw.writableFinished ? reply.statusCode : 499;
      const route = request.routeOptions.url ?? 'none';
      metrics.answered(route, status, ms);
      const level = isProbe(route) ? 'debug' : 'info';
      const { model, code } = request;
      request.log[level](
        { method: request.method, route, status, ms: Math.round(ms), model: model?.name, code },
        'request',
      );
    });
  });
}

const isProbe = route => ['/health', '/ready', '/metrics'].includes(route);
