import { CONTROLS } from '../../lib/evaluation/direction.ts';
import type { EvaluationSummary } from '../../lib/evaluation/summary.ts';
import { type SummaryTable, summaryTable, whyMissing } from '../../lib/evaluation/summary-table.ts';
import { ComparisonsTable } from '../parts/comparisons-table.tsx';
import { DifferencesTable } from '../parts/differences-table.tsx';
import { MeansTable } from '../parts/means-table.tsx';
import { ProvenanceDetails } from '../parts/provenance.tsx';
import { Section } from '../parts/section.tsx';
import { report } from '../state/report.ts';
import { plural } from '../state/words.ts';

/** What an evaluation says over all images; of two runs both, and how they differ. */
export function SummaryView() {
  const { runs } = report.value;
  const summaries = runs.flatMap(({ name, summary }) =>
    summary ? [{ name, summary, table: summaryTable(summary) }] : [],
  );
  const [first, second] = summaries;
  const several = runs.length > 1;
  return (
    <>
      {first && second && (
        <Section title={`${second.name} less ${first.name}`}>
          <p class="muted">Differences of the means, where both runs have the method and the metric.</p>
          <DifferencesTable first={first.table} second={second.table} caption="Differences of the means of both runs" />
        </Section>
      )}
      {summaries.map(({ name, summary, table }, i) => (
        <RunSummary key={i} name={several ? name : null} summary={summary} table={table} />
      ))}
    </>
  );
}

interface RunSummaryProps {
  /** null where there is one run alone. */
  readonly name: string | null;
  readonly summary: EvaluationSummary;
  readonly table: SummaryTable;
}

function RunSummary({ name, summary, table }: RunSummaryProps) {
  const { images, failed, metrics, comparisons, provenance } = summary;
  const of = name === null ? '' : ` of ${name}`;
  const { warnings } = provenance;
  const over = `${plural(images, 'image')}${failed > 0 ? `, ${failed} failed` : ''}`;
  return (
    <>
      <Section title={`Summary${of}`}>
        {warnings.length > 0 && (
          <div class="note warn">
            <ul>
              {warnings.map(warning => (
                <li key={warning}>{warning}</li>
              ))}
            </ul>
          </div>
        )}
        {table.makers.length === 0 ? (
          <p>No image was evaluated{failed > 0 ? `, ${failed} failed` : ''}.</p>
        ) : (
          <MeansTable table={table} images={images} caption={`Means${of} with their 95 % intervals`} />
        )}
        <Legend over={over} hasControls={table.makers.some(({ control }) => control)} />
        {whyMissing(metrics).map(({ reason, metrics: names, images: most }) => (
          <p key={reason} class="muted">
            No value of {names.join(', ')} in up to {plural(most, 'image')}: {reason}
          </p>
        ))}
      </Section>
      {comparisons.length > 0 && (
        <Section title={`Pairs${of}`}>
          <p class="muted">
            On the images where both have a value: their mean difference, on how many of them a is better, both are
            equal, b is better; “better” where p is below 0.05.
          </p>
          <ComparisonsTable comparisons={comparisons} table={table} caption={`Pairs of methods${of}`} />
        </Section>
      )}
      <ProvenanceDetails provenance={provenance} />
    </>
  );
}

function Legend({ over, hasControls }: { readonly over: string; readonly hasControls: boolean }) {
  return (
    <p class="muted">
      Mean and 95 % interval over {over}. ↑ higher is better, ↓ lower is; the best method of a column is marked. A
      heading sorts.{' '}
      {hasControls &&
        `${CONTROLS.join(', ')}: maps that have not seen the model; where they do as well, a metric says nothing for a method.`}
    </p>
  );
}
