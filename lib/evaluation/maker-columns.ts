import type { MapMaker } from './rows.ts';

type Named = MapMaker & { readonly control: boolean; readonly technique?: string };

const FIELDS = ['layer', 'technique', 'convention', 'params'] as const;
export type MakerField = (typeof FIELDS)[number];

/** What tells makers apart besides the method: what differs between those that are no controls. */
export function tellingFields(makers: readonly Named[]): MakerField[] {
  return FIELDS.filter(
    name => new Set(makers.filter(({ control }) => !control).map(maker => maker[name] ?? '')).size > 1,
  );
}
