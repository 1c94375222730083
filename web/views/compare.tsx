import { useSignal } from '@preact/signals';
import { DifferenceCanvas } from '../draw/difference-canvas.tsx';
import { Inspector, type Pointed } from '../draw/inspector.tsx';
import { LookTools } from '../parts/look-tools.tsx';
import { PhotoHead } from '../parts/photo-head.tsx';
import { ResultFacts } from '../parts/result-facts.tsx';
import { Section } from '../parts/section.tsx';
import { SideChoice } from '../parts/side-choice.tsx';
import { makerNames } from '../state/maker-names.ts';
import { report } from '../state/report.ts';
import { FIRST, OTHER, otherSelected, type Selected, type Side, selected } from '../state/selected.ts';
import { shownPhoto } from '../state/shown.ts';
import { className } from '../state/words.ts';

/** Two results of the same photograph side by side: of two runs, methods or classes. */
export function CompareView() {
  const pointed = useSignal<{ x: number; y: number } | null>(null);
  const [left, right] = [selected.value, otherSelected.value];
  return (
    <>
      <PhotoHead hasRun={false} />
      <LookTools />
      <div class="sides">
        <OneSide name="Left" side={FIRST} selected={left} pointed={pointed} />
        <OneSide name="Right" side={OTHER} selected={right} pointed={pointed} />
      </div>
      {left.result && right.result && (
        <Section title="Difference">
          <DifferenceCanvas photo={shownPhoto.value} first={left.result} other={right.result} />
        </Section>
      )}
    </>
  );
}

interface OneSideProps {
  readonly name: string;
  readonly side: Side;
  readonly selected: Selected;
  readonly pointed: Pointed;
}

function OneSide({ name, side, selected: chosen, pointed }: OneSideProps) {
  const { run, said, result } = chosen;
  const { name: of, makers } = report.value.runs[run]!;
  const label = result ? `${name}: ${makerNames(makers)[result.maker]} for ${className(result.target)}` : name;
  return (
    <section class="side" aria-label={name}>
      <SideChoice name={name} side={side} selected={chosen} />
      {!said && <p>{of} has no such photograph.</p>}
      {said?.error && (
        <p class="failure">
          <strong>{said.error.code}</strong> {said.error.message}
        </p>
      )}
      {said && !said.error && !result && <p>{of} has no map of this photograph.</p>}
      {result && (
        <>
          <Inspector photo={shownPhoto.value} result={result} label={label} pointed={pointed} />
          <ResultFacts {...chosen} />
        </>
      )}
    </section>
  );
}
