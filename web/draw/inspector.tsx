import type { Signal } from '@preact/signals';
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { ReportResult } from '../../lib/report/data.ts';
import { report } from '../state/report.ts';
import { className, percent, shortNumber } from '../state/words.ts';
import type { Decided } from './decide.ts';
import { type Drawn, usePainted } from './use-painted.ts';

/** A place on the picture, whose sides are 1; null where nothing points. */
export type Pointed = Signal<{ readonly x: number; readonly y: number } | null>;

export interface InspectorProps {
  readonly photo: number;
  readonly result: ReportResult | null;
  /** What is shown, for screen readers. */
  readonly label: string;
  /** Shared by two that are compared. */
  readonly pointed: Pointed;
}

/** A large picture with its map, the map's value under the pointer, and what lies above the threshold in numbers. */
export function Inspector({ photo, result, label, pointed }: InspectorProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const drawn = useSignal<Drawn | null>(null);
  const of = report.value.photos[photo]!;
  const { isDrawn, error } = usePainted(canvas, photo, result, {
    onDrawn: now => {
      drawn.value = now;
    },
  });
  const point = (event: PointerEvent) => {
    const { left, top, width, height } = canvas.current!.getBoundingClientRect();
    pointed.value = { x: (event.clientX - left) / width, y: (event.clientY - top) / height };
  };
  const at = pointed.value;
  const mark = error ?? markOf(result);
  return (
    <figure class="inspector" data-drawn={isDrawn}>
      <div class="inspected">
        <canvas
          ref={canvas}
          width={of.width}
          height={of.height}
          role="img"
          aria-label={`${label}${mark ? `: ${mark}` : ''}; arrow keys move a cross that reads the map`}
          tabIndex={0}
          onPointerMove={point}
          onPointerLeave={() => {
            pointed.value = null;
          }}
          onKeyDown={event => moveCross(event, pointed)}
          onBlur={() => {
            pointed.value = null;
          }}
        />
        {at && <span class="cross" style={{ left: `${100 * at.x}%`, top: `${100 * at.y}%` }} />}
        {mark && (
          <span class="map-mark" aria-hidden="true">
            {mark}
          </span>
        )}
      </div>
      <figcaption>
        <output class="readout" aria-live="polite">
          {drawn.value && at ? readout(drawn.value, at) : 'Point at the picture to read the map.'}
        </output>
        {drawn.value?.decided && <Found {...drawn.value.decided} />}
      </figcaption>
    </figure>
  );
}

/** What is to be known before a picture without a map is taken for one that has nothing to show. */
function markOf(result: ReportResult | null): string | null {
  if (!result) return null;
  if (result.status === 'ok') return result.map === null ? 'the map was not kept' : null;
  return result.reason ? `${result.status}: ${result.reason}` : result.status;
}

/** One step is a fiftieth of a side. */
const STEP = 0.02;
const MOVES: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-STEP, 0],
  ArrowRight: [STEP, 0],
  ArrowUp: [0, -STEP],
  ArrowDown: [0, STEP],
};

function moveCross(event: KeyboardEvent, pointed: Pointed): void {
  const move = MOVES[event.key];
  if (!move) return;
  event.preventDefault();
  const { x, y } = pointed.value ?? { x: 0.5, y: 0.5 };
  const within = (value: number) => Math.min(1, Math.max(0, value));
  pointed.value = { x: within(x + move[0]), y: within(y + move[1]) };
}

function readout({ placed: { map, width, height }, photo, result }: Drawn, at: { x: number; y: number }): string {
  const pixel = (share: number, length: number) => Math.min(length - 1, Math.max(0, Math.floor(share * length)));
  const place = `x ${pixel(at.x, photo.width)}, y ${pixel(at.y, photo.height)}`;
  if (!map || !result) return `no map at ${place}`;
  const value = map.data[pixel(at.y, height) * width + pixel(at.x, width)]!;
  return `map ${value.toFixed(3)} for ${className(result.target)} at ${place}`;
}

function Found({ share, boxes: [box] }: Decided) {
  return (
    <p class="found">
      {percent(share)} of the picture lies above the threshold
      {box &&
        `; its largest part: x ${box.x}, y ${box.y}, ${box.width} × ${box.height} pixels, area ${shortNumber(Math.round(box.area))}`}
      .
    </p>
  );
}
