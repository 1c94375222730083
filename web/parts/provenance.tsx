import type { Provenance } from '../../lib/evaluation/provenance.ts';
import { minute, plural } from '../state/words.ts';

/** What the numbers belong to. */
export function ProvenanceDetails({ provenance }: { readonly provenance: Provenance }) {
  return (
    <details>
      <summary>Where these numbers come from</summary>
      <dl class="facts">
        {factsOf(provenance).map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
        <div>
          <dt>preprocessing</dt>
          <dd>{provenance.preprocess ? <Json value={provenance.preprocess} /> : 'none: tensors'}</dd>
        </div>
        {Object.keys(provenance.params).length > 0 && (
          <div>
            <dt>parameters of the metrics</dt>
            <dd>
              <Json value={provenance.params} />
            </dd>
          </div>
        )}
      </dl>
    </details>
  );
}

function factsOf({
  model,
  versions,
  images,
  target,
  convention,
  seed,
  bootstrap,
  truth,
  started,
  resumed,
}: Provenance) {
  const leftOut = images.leftOut > 0 ? `, ${images.leftOut} left out` : '';
  const unmatched = truth && truth.unmatched > 0 ? `, ${truth.unmatched} of its entries without an image` : '';
  return [
    ['model', model.path ?? 'bytes'],
    ['sha256', model.sha256 ?? 'unknown'],
    [
      'versions',
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version ?? 'unknown'}`)
        .join(', '),
    ],
    ['images', `${images.chosen} (${images.given} given${leftOut})`],
    ['target', target],
    ['convention', convention],
    ['truth', truth ? `${truth.from}${unmatched}` : 'none'],
    ['seed', String(seed)],
    ['intervals', `${bootstrap.interval}, ${plural(bootstrap.resamples, 'resample')}`],
    ['started', `${minute(started)}${resumed ? ', with rows of an earlier run' : ''}`],
  ] as const;
}

function Json({ value }: { readonly value: unknown }) {
  return <pre>{JSON.stringify(value, null, 2)}</pre>;
}
