import type { TargetLayer } from '../plan/target-layer.ts';

/** What results are told where a layer's positions are perhaps not those of the picture that the map is drawn over. */
export function placeNotes(layers: readonly TargetLayer[]): readonly string[] {
  return layers.flatMap(({ name, padded, sampled, note }) => [
    ...(padded
      ? [
          `the graph puts a border around the picture, which "${name}" covers too: its map is drawn as if it covered the picture ` +
            'alone, so that places lie nearer to the middle than they should; a model without that Pad is shown in place',
        ]
      : []),
    ...(sampled
      ? [
          `"${name}" is made of values that a GridSample reads at other places of the picture: its map lies over what was read, ` +
            'not over the picture; a layer before the GridSample is shown in place',
        ]
      : []),
    ...(note === undefined ? [] : [note]),
  ]);
}
