import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendFactory, IQueueBackend, Queue, QueueEvents, Worker } from 'bullmq';
import type { Client } from 'pg';
import { isError } from '../common/kinds.ts';
import { type QueueAddress, queueAddress } from './address.ts';
import type { ChunkJob, ChunkReport } from './job.ts';
import { bullPackage, postgresClient, redisClient } from './packages.ts';
import { queueError } from './queue-error.ts';

/** The queue's name on its server. */
const NAME = 'onnx-cam';
/** ms until a server has answered. */
const PATIENCE = 10_000;
/** ms between two attempts to reach a server that has gone. */
const BETWEEN = 1_000;

export type ChunkQueue = Queue<ChunkJob, ChunkReport, string, ChunkJob, ChunkReport, string, IQueueBackend, object>;
export type ChunkWorker = Worker<ChunkJob, ChunkReport, string, IQueueBackend, object, object>;
export type ChunkEvents = QueueEvents<ChunkReport, IQueueBackend, object>;

/** How long a worker's hold on a chunk lasts without a sign of life of it, ms. */
export interface HoldTimes {
  readonly lock: number;
  /** Between two looks for chunks whose worker has gone. */
  readonly check: number;
}

/** A server that has answered: the same for Redis, Valkey and PostgreSQL. */
export interface QueueServer {
  readonly address: QueueAddress;
  /** To add and to look; a server that goes is an error of the call after some seconds. */
  openQueue(): Promise<ChunkQueue>;
  /** To take chunks; waits for a server that has gone. */
  openWorker(hold: HoldTimes): Promise<ChunkWorker>;
  /** What happens in the queue from now on. */
  openEvents(): Promise<ChunkEvents>;
}

/**
 * Asks whether a queue's server is there.
 * @throws `ERR_QUEUE` for an address that cannot be read, a package that is not installed, a server that does not answer or
 * does not let in
 */
export async function reachServer(text: string): Promise<QueueServer> {
  const address = queueAddress(text);
  const { withBackend, createRedisBackend, createPostgresBackend } = await bullPackage(address.kind);
  const isRedis = address.kind === 'redis';
  await (isRedis ? askRedis(address) : askPostgres(address));
  const factory = (isRedis ? createRedisBackend : createPostgresBackend) as unknown as BackendFactory<
    IQueueBackend,
    object
  >;
  const bull = withBackend<IQueueBackend, object>(factory);
  const ready = async <T extends ChunkQueue | ChunkWorker | ChunkEvents>(opened: T): Promise<T> => {
    // Told by the calls that fail; without a listener it would end the process.
    (opened as ChunkQueue).on('error', () => {});
    try {
      await opened.waitUntilReady();
      return opened;
    } catch (cause) {
      await opened.close().catch(() => {});
      throw unreachable(address, cause);
    }
  };
  const connection = (waits: boolean): object => (isRedis ? redisOptions(address, waits) : postgresOptions(address));
  return {
    address,
    openQueue: () => ready(new bull.Queue<ChunkJob, ChunkReport>(NAME, { connection: connection(false) })),
    openWorker: ({ lock, check }) =>
      ready(
        new bull.Worker<ChunkJob, ChunkReport, string, object>(NAME, null, {
          connection: connection(true),
          lockDuration: lock,
          stalledInterval: check,
          maxStalledCount: MAX_STALLED,
          drainDelay: IDLE,
        }),
      ),
    openEvents: () => ready(new bull.QueueEvents<ChunkReport>(NAME, { connection: connection(true) })),
  };
}

/** How often a chunk comes back whose worker has gone, before it counts as failed. */
export const MAX_STALLED = 3;
/** Seconds that a worker waits for a chunk at a time: as long as one that is told to end may take to notice. */
const IDLE = 2;

const redisOptions = ({ url }: QueueAddress, waits: boolean) => ({
  url,
  connectTimeout: PATIENCE,
  retryStrategy: () => BETWEEN,
  maxRetriesPerRequest: waits ? null : 3,
});

const postgresOptions = ({ url }: QueueAddress) => ({
  connectionString: url,
  connectionTimeoutMillis: PATIENCE,
  migrate: true,
});

async function askRedis(address: QueueAddress): Promise<void> {
  const Redis = await redisClient();
  const options = { lazyConnect: true, connectTimeout: PATIENCE, maxRetriesPerRequest: 1 };
  // Twice again: a server that has just started may still be loading.
  const client = new Redis(address.url, { ...options, retryStrategy: times => (times > 2 ? null : BETWEEN / 4) });
  let reason: unknown;
  client.on('error', error => {
    reason = error;
  });
  try {
    await client.connect();
    await client.ping();
  } catch (cause) {
    throw unreachable(address, reason ?? cause);
  } finally {
    client.disconnect();
  }
}

async function askPostgres(address: QueueAddress): Promise<void> {
  const Client = await postgresClient();
  const end = Date.now() + PATIENCE;
  for (;;) {
    try {
      return await askOnce(new Client({ connectionString: address.url, connectionTimeoutMillis: PATIENCE }));
    } catch (cause) {
      if ((cause as { readonly code?: unknown }).code !== STARTING_UP || Date.now() > end)
        throw unreachable(address, cause);
      await sleep(BETWEEN / 4);
    }
  }
}

/** PostgreSQL's answer while it puts in order what a crash has left. */
const STARTING_UP = '57P03';

async function askOnce(client: Client): Promise<void> {
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SELECT 1');
  } finally {
    await client.end().catch(() => {});
  }
}

/** Node tells several addresses of one host as one error without a message. */
export function reasonOf(error: unknown): string {
  if (!isError(error)) return String(error);
  const { errors } = error as AggregateError;
  return error.message === '' && Array.isArray(errors) ? errors.map(reasonOf).join(', ') : error.message;
}

function unreachable({ shown }: QueueAddress, cause: unknown) {
  return queueError(
    `the queue's server at ${shown} cannot be used: ${reasonOf(cause)}; is it running, and do address, name and password fit?`,
    cause,
  );
}
