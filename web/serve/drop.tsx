import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { announce } from './announce.ts';
import { droppedFiles } from './dropped-files.ts';
import { models, pictures } from './stock.ts';
import { send } from './uploads.ts';

/** The button that files are chosen with; the whole window takes those that are dropped on it. */
export function Drop() {
  const input = useRef<HTMLInputElement>(null);
  const isOver = useDrops();
  const isEmpty = models.value.length === 0 || pictures.value.length === 0;
  return (
    <div class={isEmpty ? 'drop empty' : 'drop'}>
      {isEmpty && (
        <p>
          Drop {models.value.length === 0 ? 'a model (.onnx) with its labels or weights, and pictures' : 'pictures'}{' '}
          anywhere on this page.
        </p>
      )}
      <button type="button" class={isEmpty ? 'primary' : ''} onClick={() => input.current?.click()}>
        Choose files…
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label="Files"
        onChange={({ currentTarget }) => {
          send([...(currentTarget.files ?? [])]);
          // The same file can be chosen again.
          currentTarget.value = '';
        }}
      />
      {isOver && (
        <div class="drop-cover" aria-hidden="true">
          <p>Drop the files here</p>
        </div>
      )}
    </div>
  );
}

/** @returns whether files are held over the window */
function useDrops(): boolean {
  const depth = useSignal(0);
  useEffect(() => {
    const hasFiles = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes('Files') === true;
    const on: { readonly [K in 'dragenter' | 'dragleave' | 'dragover' | 'drop']: (event: DragEvent) => void } = {
      dragenter: event => {
        if (hasFiles(event)) depth.value++;
      },
      dragleave: event => {
        if (hasFiles(event)) depth.value = Math.max(0, depth.value - 1);
      },
      dragover: event => {
        if (hasFiles(event)) event.preventDefault();
      },
      drop: event => {
        depth.value = 0;
        if (!hasFiles(event)) return;
        // Else the browser would open the file in place of the page.
        event.preventDefault();
        droppedFiles(event.dataTransfer!).then(send, () => announce('The browser can’t read what was dropped'));
      },
    };
    const names = Object.keys(on) as (keyof typeof on)[];
    for (const name of names) addEventListener(name, on[name]);
    return () => {
      for (const name of names) removeEventListener(name, on[name]);
    };
  }, []);
  return depth.value > 0;
}
