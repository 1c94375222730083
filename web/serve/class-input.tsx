import { useSignal } from '@preact/signals';
import { useId, useMemo } from 'preact/hooks';
import { selected } from '../state/selected.ts';
import { settings } from '../state/settings.ts';
import { className } from '../state/words.ts';
import { look } from './choice.ts';
import { suggester } from './suggestions.ts';

/** Which class: by its label, its index, or its rank. */
export function ClassInput({ labels }: { readonly labels: readonly (string | null)[] | null }) {
  const { askTarget } = settings;
  const typed = useSignal<string | null>(null);
  const list = useId();
  const hint = useId();
  const shown = typed.value ?? askTarget.value;
  const suggestions = useMemo(() => suggester(labels ?? []), [labels])(typed.value ?? '');
  const take = (text: string) => {
    typed.value = null;
    const target = text.trim() || askTarget.initial;
    if (target === askTarget.value) return;
    look();
    askTarget.value = target;
  };
  return (
    <div class="asked">
      <label class="control">
        <span class="caption">Class</span>
        <input
          type="text"
          list={list}
          value={shown}
          autocomplete="off"
          spellcheck={false}
          aria-describedby={hint}
          onFocus={event => event.currentTarget.select()}
          onInput={event => {
            const { value } = event.currentTarget;
            // A suggestion that was picked is no text that was typed.
            if (!('inputType' in event) || event.inputType === 'insertReplacementText') take(value);
            else typed.value = value;
          }}
          onChange={event => take(event.currentTarget.value)}
          onKeyDown={event => {
            if (event.key === 'Enter') take(event.currentTarget.value);
          }}
        />
      </label>
      <datalist id={list}>
        {suggestions.map(({ value, text }) => (
          <option key={value} value={value} label={text} />
        ))}
      </datalist>
      <p class="muted" id={hint}>
        a label, an index, several with commas, top1 or top3
      </p>
      <Predicted take={take} />
    </div>
  );
}

/** The classes that the model sees in the picture, to be picked. */
function Predicted({ take }: { readonly take: (text: string) => void }) {
  const predictions = selected.value.said?.predictions ?? [];
  if (predictions.length === 0) return null;
  return (
    <ul class="picks" aria-label="Classes that the model sees">
      {predictions.slice(0, 5).map(prediction => (
        <li key={prediction.index}>
          <button type="button" onClick={() => take(String(prediction.index))}>
            {className(prediction)}
          </button>
        </li>
      ))}
    </ul>
  );
}
