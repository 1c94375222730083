import { expect, it } from 'vitest';
import { queueAddress } from '../../lib/queue/address.ts';
import { expectError } from '../helpers/expect-error.ts';

it.each([
  ['redis://h', 'redis', 'redis://h'],
  ['redis://:geheim@h:7000/2?family=6', 'redis', 'redis://h:7000/2'],
  ['rediss://anna:geheim@h', 'redis', 'rediss://h'],
  ['postgres://anna:geheim@h:5433/jobs?sslmode=require&password=geheim', 'postgres', 'postgres://h:5433/jobs'],
  ['postgresql://h/jobs', 'postgres', 'postgresql://h/jobs'],
  ['postgres:///jobs?host=/var/run/postgresql', 'postgres', 'postgres:///jobs'],
  // A password with a / in it, which belongs to the path then.
  ['postgres://anna:12/geheim@h/jobs', 'postgres', 'postgres:'],
])('%s', (url, kind, shown) => {
  expect(queueAddress(url)).toEqual({ kind, url, shown });
});

it.each([
  '',
  'redis',
  'localhost:6379',
  'redis://',
  'redis://:geh#eim@h',
  'http://h',
  'amqp://anna:geheim@h',
  'file:///x',
])('%j is no address, and not repeated', async text => {
  const { message } = await expectError(() => queueAddress(text), 'ERR_QUEUE', 'redis://HOST:6379', 'postgres://');
  expect(message).not.toMatch(/geh|anna/);
});
