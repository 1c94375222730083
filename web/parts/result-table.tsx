import { MapCanvas } from '../draw/map-canvas.tsx';
import { makerNames } from '../state/maker-names.ts';
import { report } from '../state/report.ts';
import { FIRST, type Selected, select, shownMakers, targetKey, targetsOf } from '../state/selected.ts';
import { shownPhoto } from '../state/shown.ts';
import { className, percent } from '../state/words.ts';
import { Scroll } from './scroll.tsx';

/** All maps of a photograph: methods in rows, classes in columns; each is a button that selects it. */
export function ResultTable({ run, said, place: chosen }: Selected) {
  if (!said) return null;
  const photo = shownPhoto.value;
  const { makers } = report.value.runs[run]!;
  const names = makerNames(makers);
  const targets = targetsOf(said);
  const rows = shownMakers(makers).filter(maker => said.results.some(result => result.maker === maker));
  return (
    <Scroll label="Methods and classes">
      <table class="result-table">
        <thead>
          <tr>
            <th scope="col">Method</th>
            {targets.map(target => (
              <th scope="col" key={targetKey(target)}>
                {className(target)} {target.kind !== 'class' && <span class="muted">{target.kind}</span>}{' '}
                {target.probability !== null && <span class="muted">{percent(target.probability)}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(maker => (
            <tr key={maker}>
              <th scope="row">{names[maker]}</th>
              {targets.map(target => {
                const place = said.results.findIndex(
                  result => result.maker === maker && targetKey(result.target) === targetKey(target),
                );
                if (place < 0) return <td key={targetKey(target)}>–</td>;
                const label = `${names[maker]} for ${className(target)}`;
                return (
                  <td key={targetKey(target)}>
                    <button
                      type="button"
                      class="cell"
                      aria-pressed={place === chosen}
                      onClick={() => select(FIRST, said.results[place]!)}
                    >
                      <MapCanvas photo={photo} run={run} result={place} size={144} label={label} />
                    </button>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
