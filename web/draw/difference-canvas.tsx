import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { pearson } from '../../lib/common/pearson.ts';
import type { ReportResult } from '../../lib/report/data.ts';
import type { MapPlane } from '../../lib/result/boxes.ts';
import { minus } from '../state/words.ts';
import { type Placed, placed } from './placed.ts';

export interface DifferenceProps {
  readonly photo: number;
  readonly first: ReportResult;
  readonly other: ReportResult;
}

/** Where two maps of a photograph differ: orange where the first is larger, blue where the other is; and how alike they are. */
export function DifferenceCanvas({ photo, first, other }: DifferenceProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const said = useSignal('');
  useEffect(() => {
    const element = canvas.current;
    // Whoever goes on at once leaves before effects are run.
    if (!element) return undefined;
    let ended = false;
    Promise.all([placed(photo, first), placed(photo, other)]).then(
      ([a, b]) => {
        if (ended) return;
        if (!a.map || !b.map) said.value = 'A map whose status is not ok has no difference.';
        else said.value = similarity(a.map, b.map);
        drawDifference(element, a, b);
      },
      (error: Error) => {
        if (!ended) said.value = error.message;
      },
    );
    return () => {
      ended = true;
    };
  }, [photo, first, other]);
  return (
    <figure class="difference">
      <canvas ref={canvas} role="img" aria-label="Difference of the two maps" />
      <figcaption>
        <p aria-live="polite">{said.value}</p>
        <p class="muted">
          <span class="swatch first" /> the left map is larger <span class="swatch other" /> the right one is
        </p>
      </figcaption>
    </figure>
  );
}

function similarity(a: MapPlane, b: MapPlane): string {
  const r = pearson(a.data, b.data);
  return r === null
    ? 'One of the maps is the same everywhere: no correlation.'
    : `Correlation of the maps (Pearson): ${minus(r.toFixed(3))}`;
}

const LARGER = [230, 110, 20] as const;
const SMALLER = [30, 110, 220] as const;

/** Over the picture in faint grey. */
function drawDifference(canvas: HTMLCanvasElement, a: Placed, b: Placed): void {
  canvas.width = a.width;
  canvas.height = a.height;
  const drawn = new ImageData(a.width, a.height);
  const from = a.pixels.data;
  for (let i = 0; i < a.width * a.height; i++) {
    const difference = a.map && b.map ? a.map.data[i]! - b.map.data[i]! : 0;
    const colour = difference > 0 ? LARGER : SMALLER;
    const share = Math.min(1, Math.abs(difference) * 1.2);
    const grey = 128 + (0.299 * from[4 * i]! + 0.587 * from[4 * i + 1]! + 0.114 * from[4 * i + 2]!) * 0.45;
    for (let c = 0; c < 3; c++) drawn.data[4 * i + c] = (1 - share) * grey + share * colour[c]!;
    drawn.data[4 * i + 3] = 255;
  }
  canvas.getContext('2d')!.putImageData(drawn, 0, 0);
}
