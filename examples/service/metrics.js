// What Prometheus is told. Labels have a few fixed values each (routes as they are written in the code, models and methods of the
// configuration): what a client sends never becomes one.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** From what a small network takes to what a request may. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export class Metrics {
  #registry = new Registry();

  constructor({ models, maxQueue, heldBytes }) {
    const registers = [this.#registry];
    // Event loop lag, garbage collection, memory, handles.
    collectDefaultMetrics({ register: this.#registry });
    const metric = (Kind, name, help, more) => new Kind({ name: `onnx_cam_${name}`, help, registers, ...more });

    this.requests = metric(Counter, 'http_requests_total', 'Requests by route and status; 499: the client left', {
      labelNames: ['route', 'status'],
    });
    this.duration = metric(Histogram, 'http_request_duration_seconds', 'From the headers to the end of the answer', {
      labelNames: ['route', 'status'],
      buckets: SECONDS,
    });
    this.stages = metric(Histogram, 'stage_duration_seconds', 'Where the time of an explanation goes', {
      labelNames: ['model', 'stage'],
      buckets: SECONDS,
    });
    this.explanations = metric(Counter, 'explanations_total', "Maps made; status 'ok' unless there is nothing to see", {
      labelNames: ['model', 'method', 'status'],
    });
    this.refusals = metric(Counter, 'refusals_total', 'Requests and connections that there was no room for', {
      labelNames: ['reason'],
    });
    for (const reason of ['queue', 'bytes', 'models', 'memory', 'shutdown', 'connections'])
      this.refusals.inc({ reason }, 0);

    // Read when they are asked for.
    metric(Gauge, 'pending', 'Calls that the explainer has accepted and not settled', {
      labelNames: ['model'],
      collect() {
        for (const { name, cam } of models.all) this.set({ model: name }, cam?.pending ?? 0);
      },
    });
    metric(Gauge, 'in_service', 'Requests that wait for a model, are explained or drawn: what max_queue limits', {
      labelNames: ['model'],
      collect() {
        for (const { name, users } of models.all) this.set({ model: name }, users);
      },
    });
    metric(Gauge, 'max_queue', 'Requests of a model that may be in service').set(maxQueue);
    metric(Gauge, 'held_bytes', 'Bytes of bodies in memory', {
      collect() {
        this.set(heldBytes.held);
      },
    });
    metric(Gauge, 'model_info', '1 for a model in memory', {
      labelNames: ['model', 'sha256', 'provider'],
      collect() {
        this.reset();
        for (const { name, cam, sha256, settings } of models.all)
          if (cam) this.set({ model: name, sha256, provider: providerOf(settings) }, 1);
      },
    });
  }

  /** How long a map took, by what it waited for. `waiting` is what is left of the time from the call to the map. */
  explained(model, { method, status, timings }, milliseconds) {
    this.explanations.inc({ model, method, status });
    const { total, ...stages } = timings;
    const waiting = Math.max(0, milliseconds - total);
    for (const [stage, ms] of Object.entries({ waiting, ...stages })) this.drawn(model, stage, ms);
  }

  drawn(model, stage, milliseconds) {
    this.stages.observe({ model, stage }, milliseconds / 1000);
  }

  /** One request is over. */
  answered(route, status, milliseconds) {
    this.requests.inc({ route, status });
    this.duration.observe({ route, status }, milliseconds / 1000);
  }

  get contentType() {
    return this.#registry.contentType;
  }

  text() {
    return this.#registry.metrics();
  }
}

function providerOf({ options }) {
  const [first = 'cpu'] = options.executionProviders ?? [];
  return typeof first === 'string' ? first : first.name;
}
