import { optionalPackage } from '../common/optional-package.ts';
import type { QueueAddress } from './address.ts';
import { queueError } from './queue-error.ts';

const INSTALL = {
  redis: 'npm install bullmq@6 ioredis',
  postgres: 'npm install bullmq@6 pg',
};

/** BullMQ, which users install beside this package. @throws `ERR_QUEUE` with the command that installs it */
export function bullPackage(kind: QueueAddress['kind']): Promise<typeof import('bullmq')> {
  return installed(kind, () => import('bullmq'));
}

/** The client of Redis and Valkey. @throws `ERR_QUEUE` with the command that installs it */
export function redisClient(): Promise<typeof import('ioredis').Redis> {
  return installed('redis', async () => (await import('ioredis')).Redis);
}

/** The client of PostgreSQL. @throws `ERR_QUEUE` with the command that installs it */
export function postgresClient(): Promise<typeof import('pg').Client> {
  return installed('postgres', async () => (await import('pg')).default.Client);
}

function installed<T>(kind: QueueAddress['kind'], imported: () => Promise<T>): Promise<T> {
  return optionalPackage(imported, (reason, cause) =>
    queueError(`queues need packages that are installed for them alone: ${INSTALL[kind]} (${reason})`, cause),
  );
}
