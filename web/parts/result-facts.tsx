import { makerNames } from '../state/maker-names.ts';
import { report } from '../state/report.ts';
import type { Selected } from '../state/selected.ts';
import { className, percent, shortNumber } from '../state/words.ts';
import { Chip } from './chip.tsx';

/** What is known of a result besides its map. */
export function ResultFacts({ run, result }: Selected) {
  if (!result) return null;
  const { makers, warnings } = report.value.runs[run]!;
  const { target, status, reason, layer, metrics } = result;
  const measured = Object.entries(metrics);
  return (
    <div class="facts">
      <h3>
        {makerNames(makers)[result.maker]} for {className(target)}{' '}
        <Chip kind={status === 'ok' ? 'good' : 'warn'}>{status}</Chip>
      </h3>
      {reason && <p>{reason}</p>}
      <dl>
        {target.kind !== 'class' && <Fact term="Asked">{target.kind}</Fact>}
        {target.score !== null && <Fact term="Score">{shortNumber(target.score)}</Fact>}
        {target.probability !== null && <Fact term="Probability">{percent(target.probability)}</Fact>}
        {layer !== '' && (
          <Fact term="Layer">
            <code>{layer}</code>
          </Fact>
        )}
        {measured.map(([name, value]) => (
          <Fact key={name} term={name}>
            {value === null ? '–' : shortNumber(value)}
          </Fact>
        ))}
      </dl>
      {result.warnings.length > 0 && (
        <ul class="warnings">
          {result.warnings.map(place => (
            <li key={place}>{warnings[place]}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Fact({ term, children }: { readonly term: string; readonly children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}
