import { makerNames } from '../state/maker-names.ts';
import { report } from '../state/report.ts';
import { type Selected, type Side, select, selectRun, targetKey, targetsOf } from '../state/selected.ts';
import { className } from '../state/words.ts';
import { Select } from './select.tsx';

export interface SideChoiceProps {
  /** "Left" or "Right". */
  readonly name: string;
  readonly side: Side;
  readonly selected: Selected;
}

/** Run, method and class of one side of a comparison. */
export function SideChoice({ name, side, selected: { run, said, result } }: SideChoiceProps) {
  const { runs } = report.value;
  const names = makerNames(runs[run]!.makers);
  const makers = [...new Set(said?.results.map(({ maker }) => maker))];
  const targets = said ? targetsOf(said) : [];
  return (
    <fieldset class="controls">
      <legend>{name}</legend>
      {runs.length > 1 && (
        <Select
          label="Run"
          value={run}
          options={runs.map(({ name }, value) => ({ value, text: name }))}
          onChange={value => selectRun(side, run, value)}
        />
      )}
      {said && result && (
        <>
          <Select
            label="Method"
            value={result.maker}
            options={makers.map(value => ({ value, text: names[value]! }))}
            onChange={maker => select(side, { maker, target: result.target })}
          />
          <Select
            label="Class"
            value={targetKey(result.target)}
            options={targets.map(target => ({
              value: targetKey(target),
              text: target.kind === 'class' ? className(target) : `${className(target)} (${target.kind})`,
            }))}
            onChange={key =>
              select(side, { maker: result.maker, target: targets.find(target => targetKey(target) === key)! })
            }
          />
        </>
      )}
    </fieldset>
  );
}
