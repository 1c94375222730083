import { useEffect, useRef } from 'preact/hooks';
import { payloadOf } from '../state/payloads.ts';
import { report } from '../state/report.ts';

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

/** A photograph with a map over it, drawn as the settings say, when it comes into view. */
export function MapCanvas({ photo, label }: MapCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    void payloadOf(report.value.photos[photo]!);
  }, [photo]);
  return <canvas ref={canvas} role="img" aria-label={label} />;
}
