import type { JudgedMap } from '../judged-map.ts';

/** Share of the pixels whose value another pixel has too: their order says nothing. */
export async function tiedShare(map: JudgedMap): Promise<number> {
  const { data } = map;
  const order = await map.order();
  let tied = 0;
  for (let i = 0; i < order.length; i++) {
    const value = data[order[i]!]!;
    const before = i > 0 && data[order[i - 1]!] === value;
    const behind = i + 1 < order.length && data[order[i + 1]!] === value;
    if (before || behind) tied++;
  }
  return tied / order.length;
}
