import { useRef } from 'preact/hooks';
import { report } from '../state/report.ts';
import { usePainted } from './use-painted.ts';

export interface MapCanvasProps {
  /** Place of the photograph. */
  readonly photo: number;
  readonly run: number;
  /** Place of the result in what the run says of the photograph; null: the picture alone. */
  readonly result: number | null;
  /** Pixels of the canvas' longer side at most; default: the stored picture's. */
  readonly size?: number;
  /** For screen readers. */
  readonly label: string;
}

/**
 * A photograph with a map over it, drawn as the settings say, when it comes into view. A map whose status is not 'ok' says nothing: the
 * picture alone is shown, marked with the status.
 */
export function MapCanvas({ photo, run, result, size, label }: MapCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const of = report.value.photos[photo];
  const shown = result === null ? null : (of?.runs[run]?.results[result] ?? null);
  const { isDrawn, error } = usePainted(canvas, photo, shown, { size });
  const isOk = shown === null || shown.status === 'ok';
  const without = shown && isOk && shown.map === null ? 'no map' : null;
  const mark = error ? 'missing' : isOk ? without : shown.status;
  return (
    <span class="map-canvas" data-drawn={isDrawn}>
      <canvas
        ref={canvas}
        width={size ?? of?.width}
        height={size && of ? Math.round((size * of.height) / of.width) : of?.height}
        role="img"
        aria-label={mark ? `${label}: ${mark}${shown?.reason ? `, ${shown.reason}` : ''}` : label}
      />
      {mark && (
        <span class="map-mark" title={error ?? shown?.reason ?? undefined} aria-hidden="true">
          {mark}
        </span>
      )}
    </span>
  );
}
