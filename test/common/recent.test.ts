import { describe, expect, it } from 'vitest';
import { Recent } from '../../lib/common/recent.ts';

/** Values that say how often they were made. */
function counted(capacity: number) {
  const recent = new Recent<string, string>(capacity);
  const times: Record<string, number> = {};
  return (key: string) => recent.get(key, () => `${key}${(times[key] = (times[key] ?? 0) + 1)}`);
}

describe('recent values', () => {
  it('are made once for each key', () => {
    const get = counted(4);
    expect(['a', 'b', 'a', 'b'].map(get)).toEqual(['a1', 'b1', 'a1', 'b1']);
  });

  it('are let go beyond the capacity, the one asked for longest ago first', () => {
    const get = counted(2);
    expect(['a', 'b', 'a', 'c', 'a', 'b'].map(get)).toEqual(['a1', 'b1', 'a1', 'c1', 'a1', 'b2']);
  });

  it('may be undefined', () => {
    const recent = new Recent<string, string | undefined>(2);
    expect(recent.get('a', () => undefined)).toBeUndefined();
    expect(recent.get('a', () => 'made again')).toBeUndefined();
  });

  it('are not kept where making them fails', async () => {
    const recent = new Recent<string, string>(2);
    const fail = () => {
      throw new Error('at first');
    };
    expect(() => recent.get('a', fail)).toThrow('at first');
    expect(recent.get('a', () => 'then')).toBe('then');
    const promised = new Recent<string, Promise<string>>(2);
    await expect(promised.get('a', async () => fail())).rejects.toThrow('at first');
    expect(await promised.get('a', async () => 'then')).toBe('then');
  });

  it('that fail late don’t take the one with them that was made meanwhile', async () => {
    const recent = new Recent<string, Promise<string>>(1);
    let fail = (_: Error) => {};
    const first = recent.get('a', () => new Promise((_, reject) => (fail = reject)));
    void recent.get('b', async () => 'b');
    const second = recent.get('a', async () => 'made meanwhile');
    fail(new Error('late'));
    await expect(first).rejects.toThrow('late');
    expect(recent.get('a', async () => 'made once more')).toBe(second);
  });
});
