// Clients for load.js, over plain sockets of Node: some that behave, some that do not.
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a group of clients met. */
export class Tally {
  accepted = createHistogram();
  refused = 0;
  left = 0;
  failed = 0;
  seconds = 0;

  get row() {
    const { accepted, refused, left, failed, seconds } = this;
    const ms = percentile => (accepted.count ? Math.round(accepted.percentile(percentile) / 1000) : null);
    const answered = accepted.count + refused;
    return {
      accepted: accepted.count,
      'accepted/s': Number((accepted.count / seconds).toFixed(1)),
      'p50 ms': ms(50),
      'p95 ms': ms(95),
      'p99 ms': ms(99),
      'refused %': answered ? Number(((100 * refused) / answered).toFixed(1)) : 0,
      left,
      failed,
    };
  }
}

/**
 * Clients that ask one after the other, until the time is over or so many were accepted.
 * @param options.waits whether those who are refused wait as they are told
 * @param options.leaves milliseconds within which each hangs up
 */
export async function ask(
  url,
  picture,
  { clients, seconds = Number.POSITIVE_INFINITY, accepted: enough, waits, leaves },
) {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const tally = new Tally();
  const start = performance.now();
  const over = () =>
    performance.now() - start > 1000 * seconds || tally.accepted.count >= (enough ?? Number.POSITIVE_INFINITY);
  const client = async () => {
    while (!over()) {
      const asked = performance.now();
      const signal = leaves && AbortSignal.timeout(Math.ceil(Math.random() * leaves));
      try {
        const { status, retryAfter } = await post(url, picture, { agent, signal });
        if (status === 200) tally.accepted.record(Math.max(1, Math.round(1000 * (performance.now() - asked))));
        else if (status === 503) tally.refused++;
        else tally.failed++;
        // Not all of them in the same moment.
        if (status === 503 && waits) await sleep(1000 * retryAfter * (0.5 + Math.random()));
      } catch (error) {
        if (signal?.aborted) tally.left++;
        else {
          tally.failed++;
          if (tally.failed === 1) console.error(error);
        }
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  tally.seconds = (performance.now() - start) / 1000;
  agent.destroy();
  return tally;
}

function post(url, picture, { agent, signal }) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/octet-stream', 'content-length': picture.length };
    const sent = request(`${url}/explain`, { method: 'POST', agent, signal, headers }, response => {
      response.on('error', reject).on('end', () => {
        resolve({ status: response.statusCode, retryAfter: Number(response.headers['retry-after'] ?? 1) });
      });
      response.resume();
    });
    sent.on('error', reject).end(picture);
  });
}

/** Clients that send a byte a second. @returns what ends them */
export function trickle(url, count) {
  const { hostname, port } = new URL(url);
  const sockets = Array.from({ length: count }, (_, index) => {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    // Every other one has not even sent its headers.
    socket.write(
      `POST /explain HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: image/png\r\ncontent-length: 1000000\r\n`,
    );
    if (index % 2) socket.write('\r\n');
    return socket;
  });
  const timer = setInterval(() => {
    for (const socket of sockets) if (socket.writable) socket.write('a');
  }, 1000);
  return () => {
    clearInterval(timer);
    for (const socket of sockets) socket.destroy();
  };
}

/** Values of the service's own metrics, of all labels together. */
export async function metric(url, name) {
  const text = await (await fetch(`${url}/metrics`)).text();
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))].map(([, value]) =>
    Number(value),
  );
  return values.reduce((sum, value) => sum + value, 0);
}
