import { effect } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ReportPhoto, ReportResult } from '../../lib/report/data.ts';
import { report } from '../state/report.ts';
import type { Decided } from './decide.ts';
import { look } from './look.ts';
import { paint } from './paint.ts';
import { type Placed, placed } from './placed.ts';
import { whenSeen } from './when-seen.ts';

/** What a canvas shows, once it does. */
export interface Painted {
  readonly placed: Placed | null;
  /** Why nothing can be shown. */
  readonly error: string | null;
}

export interface PaintOptions {
  /** Pixels of the longer side at most; default: as the picture is stored. */
  readonly size?: number | undefined;
  /** Gets what lies above the threshold, each time that it changes; null without a map. */
  readonly onDecided?: (decided: Decided | null) => void;
}

/** Keeps a canvas drawn, once it comes into view: again when the settings change, once a frame. */
export function usePainted(
  canvas: RefObject<HTMLCanvasElement | null>,
  photo: number,
  result: ReportResult | null,
  { size, onDecided }: PaintOptions = {},
): Painted {
  const [painted, setPainted] = useState<Painted>({ placed: null, error: null });
  const of: ReportPhoto | undefined = report.value.photos[photo];
  useEffect(() => {
    const element = canvas.current;
    if (!element || !of) return undefined;
    let ended = false;
    let stop = () => {};
    const begin = async () => {
      const ready = await placed(photo, result, size);
      if (ended) return;
      stop = followLook(async look => {
        const decided = await paint(element, ready, look, of, onDecided !== undefined);
        if (!ended) onDecided?.(decided);
      });
      setPainted({ placed: ready, error: null });
    };
    const unsee = whenSeen(element, () => {
      begin().catch((error: Error) => {
        if (!ended) setPainted({ placed: null, error: error.message });
      });
    });
    return () => {
      ended = true;
      unsee();
      stop();
    };
  }, [of, photo, result, size]);
  return painted;
}

/** Paints now and after each change of the settings; what changes while it paints is painted after. @returns what ends this */
function followLook(paintOne: (wanted: ReturnType<typeof look>) => Promise<unknown>): () => void {
  let ended = false;
  let frame = 0;
  let isPainting = false;
  let wanted: ReturnType<typeof look> | null = null;
  const run = async () => {
    frame = 0;
    if (isPainting) return;
    isPainting = true;
    while (wanted && !ended) {
      const now = wanted;
      wanted = null;
      await paintOne(now);
    }
    isPainting = false;
  };
  const end = effect(() => {
    wanted = look();
    frame ||= requestAnimationFrame(run);
  });
  return () => {
    ended = true;
    cancelAnimationFrame(frame);
    end();
  };
}
