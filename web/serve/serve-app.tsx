import { effect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { followKeys } from '../keys.ts';
import { Help } from '../parts/help.tsx';
import { selected } from '../state/selected.ts';
import { shownView } from '../state/shown.ts';
import { VIEW_PAGES } from '../views/pages.ts';
import { announced } from './announce.ts';
import { Ask } from './ask.tsx';
import { ConnectionNote } from './connection-note.tsx';
import { Drop } from './drop.tsx';
import { FaultNote } from './fault-note.tsx';
import { Models } from './models.tsx';
import { PictureStrip } from './picture-strip.tsx';
import { RemoveDialog } from './remove.tsx';
import { followChoice, isShown } from './run.ts';
import { RunStatus } from './run-status.tsx';
import { SameAs } from './same-as.tsx';
import { explained, pageFiles, saveFault } from './save.ts';
import { ServeHeader } from './serve-header.tsx';
import { models, pictures, refresh } from './stock.ts';
import { uploads } from './uploads.ts';

/** The page of `onnx-cam serve`: files, choices, and the views of a report of what was explained so far. */
export function ServeApp() {
  const dialog = useRef<HTMLDialogElement>(null);
  const main = useRef<HTMLElement>(null);
  const help = () => dialog.current?.showModal();
  useEffect(() => follow(help), []);
  const isBare = models.value.length + pictures.value.length + uploads.value.length === 0;
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <ServeHeader help={help} />
      <div class={isBare ? 'serve bare' : 'serve'}>
        <section class="ask" aria-label="Choices">
          <Drop />
          {!isBare && <Models />}
          <Ask />
        </section>
        <main ref={main} tabIndex={-1}>
          <ConnectionNote />
          {saveFault.value && (
            <FaultNote
              about="Save report"
              fault={saveFault.value}
              onDismiss={() => {
                saveFault.value = null;
              }}
            />
          )}
          {!isBare && (
            <>
              <PictureStrip />
              <RunStatus />
            </>
          )}
          <Shown />
          <SameAs />
        </main>
      </div>
      <RemoveDialog />
      <Help dialog={dialog} />
      <p class="visually-hidden" role="status">
        {announced.value}
      </p>
    </>
  );
}

/** The report of what was explained so far. */
function Shown() {
  if (models.value.length === 0 || pictures.value.length === 0) return null;
  const view = shownView.value;
  const View = VIEW_PAGES[view];
  const isOld = selected.value.result !== null && !isShown.value;
  return (
    <div class={isOld ? 'shown old' : 'shown'}>
      <View key={view} />
    </div>
  );
}

/** Begins to work. @returns what ends this */
function follow(help: () => void): () => void {
  const seen = () => {
    // Another page of the same server may have changed what there is.
    if (document.visibilityState === 'visible') refresh().catch(() => {});
  };
  seen();
  document.addEventListener('visibilitychange', seen);
  const ends = [
    followChoice(),
    followKeys(help),
    effect(() => {
      if (explained.value > 0) pageFiles().catch(() => {});
    }),
    () => document.removeEventListener('visibilitychange', seen),
  ];
  return () => {
    for (const end of ends) end();
  };
}
