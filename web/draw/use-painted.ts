import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ReportPhoto, ReportResult } from '../../lib/report/data.ts';
import { report } from '../state/report.ts';
import type { Decided } from './decide.ts';
import { followLook, isSameLook } from './follow-look.ts';
import { look } from './look.ts';
import { type Look, paint } from './paint.ts';
import { type Placed, placed } from './placed.ts';
import { whileSeen } from './while-seen.ts';

/** Whether a canvas shows what it should. */
export interface Painted {
  readonly isDrawn: boolean;
  /** Why nothing can be shown. */
  readonly error: string | null;
}

/** What a canvas shows. */
export interface Drawn {
  readonly photo: ReportPhoto;
  readonly result: ReportResult | null;
  readonly placed: Placed;
  /** What lies above the threshold; null without a map. */
  readonly decided: Decided | null;
}

export interface PaintOptions {
  /** Pixels of the longer side at most; default: as the picture is stored. */
  readonly size?: number | undefined;
  /** Gets what is drawn, each time that it changes; null where nothing can be. */
  readonly onDrawn?: (drawn: Drawn | null) => void;
}

const NOTHING: Painted = { isDrawn: false, error: null };
const DRAWN: Painted = { isDrawn: true, error: null };

/**
 * Keeps a canvas drawn while it is in view: again when the settings change, once a frame. Out of view it holds neither the picture's
 * pixels nor the map.
 */
export function usePainted(
  canvas: RefObject<HTMLCanvasElement | null>,
  photo: number,
  result: ReportResult | null,
  { size, onDrawn }: PaintOptions = {},
): Painted {
  const [painted, setPainted] = useState(NOTHING);
  const of: ReportPhoto | undefined = report.value.photos[photo];
  useEffect(() => {
    const element = canvas.current;
    if (!element || !of) return undefined;
    setPainted(NOTHING);
    let ended = false;
    let stop = () => {};
    let ready: Placed | null = null;
    let last: Look | null = null;
    const paintOne = async (wanted: Look) => {
      if (last && isSameLook(last, wanted)) return;
      const now = (ready ??= await placed(photo, result, size));
      if (ended) return;
      const decided = await paint(element, now, wanted, of, onDrawn !== undefined);
      if (ended) return;
      last = wanted;
      onDrawn?.({ photo: of, result, placed: now, decided });
      setPainted(DRAWN);
    };
    const failed = (error: Error) => {
      if (ended) return;
      onDrawn?.(null);
      setPainted({ isDrawn: false, error: error.message });
    };
    const unsee = whileSeen(element, isSeen => {
      stop();
      ready = null;
      // It changed while it was out of view.
      if (isSeen && last && !isSameLook(last, look())) setPainted(NOTHING);
      stop = isSeen ? followLook(wanted => paintOne(wanted).catch(failed)) : () => {};
    });
    return () => {
      ended = true;
      unsee();
      stop();
    };
  }, [of, photo, result, size]);
  return painted;
}
