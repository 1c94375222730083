// What Kubernetes and Prometheus ask. Not for the public: let the ingress pass /explain alone.

export function addProbes(app, { models, metrics, state }) {
  // The process answers. Whoever sees this fail starts another one: so nothing else is asked here.
  app.get('/health', async () => ({ status: 'alive' }));

  // Whether requests shall be sent here.
  app.get('/ready', async (_request, reply) => {
    const reason = notReady(models.all, state);
    return reply.code(reason ? 503 : 200).send({ status: reason ?? 'ready' });
  });

  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()));

  app.get('/models', async () => ({
    models: models.all.map(({ name, sha256, cam, settings }) => ({
      name,
      loaded: cam !== undefined,
      sha256: sha256 ?? null,
      methods: settings.methods,
    })),
  }));
}

function notReady(all, { closing }) {
  if (closing) return 'shutting down';
  if (all.some(({ settings, cam }) => settings.preload && !cam)) return 'loading';
  const loaded = all.filter(({ cam }) => cam);
  if (loaded.length > 0 && loaded.every(({ isFull }) => isFull)) return 'queue full';
}
