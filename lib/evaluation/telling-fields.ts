import type { MapMaker } from './rows.ts';

type Judged = MapMaker & { readonly control: boolean };

const FIELDS = ['layer', 'convention', 'params'] as const;
export type MakerField = (typeof FIELDS)[number];

/** What tells makers apart besides the method: what differs between those that are no controls. */
export function tellingFields(makers: readonly Judged[]): MakerField[] {
  return FIELDS.filter(name => new Set(makers.filter(({ control }) => !control).map(maker => maker[name])).size > 1);
}
