import type { ServedMethod } from '../../lib/serve/api.ts';
import { settings } from '../state/settings.ts';
import { plural } from '../state/words.ts';
import { chosenMethod, look } from './choice.ts';

/** Which method; those that the model has not say why. */
export function Methods({ methods }: { readonly methods: readonly ServedMethod[] }) {
  const chosen = chosenMethod.value;
  const families = [...new Set(methods.map(({ family }) => family))];
  const refused = methods.filter(method => method.refused !== null);
  return (
    <div class="asked">
      <label class="control">
        <span class="caption">Method</span>
        <select
          value={chosen?.name ?? ''}
          onChange={event => {
            look();
            settings.askMethod.value = event.currentTarget.value;
          }}
        >
          {families.map(family => (
            <optgroup key={family} label={family}>
              {methods
                .filter(method => method.family === family)
                .map(({ name, title, refused: why }) => (
                  <option key={name} value={name} disabled={why !== null} selected={name === chosen?.name}>
                    {title}
                  </option>
                ))}
            </optgroup>
          ))}
        </select>
      </label>
      {chosen && chosen.refused === null && <p class="muted">costs {chosen.cost} (F: forward, B: backward passes)</p>}
      {refused.length > 0 && (
        <details>
          <summary>{plural(refused.length, 'method')} that this model has not</summary>
          <dl class="refused">
            {refused.map(({ name, title, refused: why }) => (
              <div key={name}>
                <dt>{title}</dt>
                <dd>{why}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </div>
  );
}
