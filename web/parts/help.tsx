import type { RefObject } from 'preact';

const KEYS: readonly (readonly [keys: readonly string[], what: string])[] = [
  [['←', '→'], 'the photograph before, the next one'],
  [['g'], 'all photographs'],
  [['p'], 'one photograph'],
  [['c'], 'compare'],
  [['v'], 'curves'],
  [['s'], 'summary'],
  [['Esc'], 'back to all photographs'],
  [['?'], 'these keys'],
];

/** Which keys do what. */
export function Help({ dialog }: { readonly dialog: RefObject<HTMLDialogElement | null> }) {
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title">
      <h2 id="help-title">Keys</h2>
      <table>
        <tbody>
          {KEYS.map(([keys, what]) => (
            <tr key={what}>
              <th scope="row">
                {keys.map(key => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </th>
              <td>{what}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="muted">
        Among the thumbnails arrows move and Enter opens. What you choose is in the address: copy it to show the same.
      </p>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}
