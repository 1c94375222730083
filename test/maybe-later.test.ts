import { describe, expect, it } from 'vitest';
import { allReady, eachInTurn, whenReady } from '../lib/maybe-later.ts';

const later = <T>(value: T): Promise<T> => new Promise(resolve => setImmediate(resolve, value));

describe('values that may be there already', () => {
  it('go on at once where they are', () => {
    expect(whenReady(2, value => value + 1)).toBe(3);
    expect(allReady([1, 2], item => item * 10)).toEqual([10, 20]);
    expect(eachInTurn([1, 2], (item, index) => item * 10 + index)).toEqual([10, 21]);
  });

  it('go on later where they are not', async () => {
    const sum = whenReady(later(2), value => later(value + 1));
    expect(sum).toBeInstanceOf(Promise);
    expect(await sum).toBe(3);
    expect(await allReady([1, 2], item => (item === 2 ? later(item) : item))).toEqual([1, 2]);
  });

  it('are made one after the other, also where one in the middle is late', async () => {
    const order: string[] = [];
    const step = (item: number) => {
      order.push(`begin ${item}`);
      const end = (value: number) => {
        order.push(`end ${item}`);
        return value;
      };
      return item === 2 ? later(item).then(end) : end(item);
    };
    expect(await eachInTurn([1, 2, 3], step)).toEqual([1, 2, 3]);
    expect(order).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3']);
  });

  it('leave no failure unheard where another one came first', async () => {
    const unheard: unknown[] = [];
    const listen = (error: unknown) => unheard.push(error);
    process.on('unhandledRejection', listen);
    const fails = (item: number) => {
      if (item === 2) throw new Error('at once');
      return later(item).then(() => Promise.reject(new Error('later')));
    };
    expect(() => allReady([1, 2], fails)).toThrow('at once');
    await later(0).then(later).then(later);
    process.off('unhandledRejection', listen);
    expect(unheard).toEqual([]);
  });

  it('stop at the first that fails', async () => {
    const made: number[] = [];
    const fails = (item: number) => {
      made.push(item);
      return item === 2 ? Promise.reject(new Error('late')) : later(item);
    };
    await expect(eachInTurn([1, 2, 3], fails)).rejects.toThrow('late');
    expect(made).toEqual([1, 2]);
    expect(() =>
      eachInTurn([1, 2], () => {
        throw new Error('at once');
      }),
    ).toThrow('at once');
  });
});
