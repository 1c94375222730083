// The process: reads the configuration, serves, and ends as it is asked to.
//   node --heap-growing-percent=300 server.js service.json
import { setTimeout as sleep } from 'node:timers/promises';
import { makeApp } from './app.js';
import { readConfig } from './config.js';

const config = readConfig(process.argv[2] ?? 'service.json');
const { app, models, patience, state } = await makeApp(config);
// Probes are answered while models are loaded; a model that must be there and is not ends the start.
await app.listen({ host: config.host, port: config.port });
for (const name of ['SIGTERM', 'SIGINT']) process.once(name, () => shutDown(name));
try {
  await models.preload();
  app.log.info('ready');
} catch {
  // Asked to end meanwhile, or the log says which model failed and why.
  if (!state.closing) {
    process.exitCode = 1;
    await shutDown('a model is missing');
  }
}

/** New requests are refused, those in work finish, for as long as `shutdownTimeout` says. A second signal ends the process at once. */
async function shutDown(why) {
  app.log.info({ why }, 'shutting down');
  // Load balancers need a moment to see that /ready says no; requests that they still send are served.
  state.closing = true;
  await sleep(config.drainDelay);
  const late = setTimeout(async () => {
    app.log.warn('out of time: what is still in work is given up');
    patience.end(); // answered with 503
    await sleep(1000);
    app.server.closeAllConnections();
  }, config.shutdownTimeout);
  const closed = app.close();
  // Connections without a request (kept for a next one, or opened and never used) would hold the process until they time out.
  while (state.requests > 0) await sleep(50);
  await sleep(50);
  app.server.closeAllConnections();
  await closed;
  clearTimeout(late);
  await models.close();
  app.log.info('ended');
}
