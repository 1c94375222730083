import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { followKeys } from './keys.ts';
import { Header } from './parts/header.tsx';
import { Help } from './parts/help.tsx';
import { shownView } from './state/shown.ts';
import { VIEW_PAGES } from './views/pages.ts';

/** The report: one view at a time, which the hash names. */
export function App() {
  const view = shownView.value;
  const View = VIEW_PAGES[view];
  const dialog = useRef<HTMLDialogElement>(null);
  const main = useRef<HTMLElement>(null);
  const before = useRef(view);
  const help = () => dialog.current?.showModal();
  // With the first frame: keys that are pressed at once count.
  useLayoutEffect(() => followKeys(help), []);
  useEffect(() => {
    // What had the focus has gone with the view before.
    const focused = document.activeElement;
    if (before.current !== view && (focused === document.body || focused === main.current))
      (main.current?.querySelector<HTMLElement>('[data-current]') ?? main.current)?.focus();
    before.current = view;
  }, [view]);
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <Header help={help} />
      <main ref={main} tabIndex={-1}>
        <View key={view} />
      </main>
      <Help dialog={dialog} />
    </>
  );
}
