import { useSignal } from '@preact/signals';
import { Inspector } from '../draw/inspector.tsx';
import { LookTools } from '../parts/look-tools.tsx';
import { MakerFilters } from '../parts/maker-filters.tsx';
import { PhotoCurves } from '../parts/photo-curves.tsx';
import { PhotoHead } from '../parts/photo-head.tsx';
import { Predictions } from '../parts/predictions.tsx';
import { ResultFacts } from '../parts/result-facts.tsx';
import { ResultTable } from '../parts/result-table.tsx';
import { Section } from '../parts/section.tsx';
import { makerNames } from '../state/maker-names.ts';
import { report } from '../state/report.ts';
import { selected } from '../state/selected.ts';
import { shownPhoto } from '../state/shown.ts';
import { className } from '../state/words.ts';

/** One photograph: a map of it at large, what is known of that, and all its maps. */
export function PhotoView() {
  const pointed = useSignal<{ x: number; y: number } | null>(null);
  const now = selected.value;
  const { run, said, result } = now;
  const { makers, name } = report.value.runs[run]!;
  if (!said)
    return (
      <>
        <PhotoHead hasRun />
        <p>{name} has no such photograph.</p>
      </>
    );
  const label = result ? `${makerNames(makers)[result.maker]} for ${className(result.target)}` : 'the photograph';
  return (
    <>
      <PhotoHead hasRun />
      {said.error && (
        <p class="failure">
          <strong>{said.error.code}</strong> {said.error.message}
        </p>
      )}
      <div class="photo-main">
        <Inspector photo={shownPhoto.value} result={result} label={label} pointed={pointed} />
        <div class="photo-side">
          <LookTools />
          <ResultFacts {...now} />
          <Predictions {...said} />
        </div>
      </div>
      {said.results.length > 0 && (
        <Section title="Methods and classes">
          <div class="controls">
            <MakerFilters run={run} />
          </div>
          <ResultTable {...now} />
        </Section>
      )}
      <PhotoCurves {...now} />
    </>
  );
}
