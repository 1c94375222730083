import { Chip } from '../parts/chip.tsx';
import { selected } from '../state/selected.ts';
import { className, plural } from '../state/words.ts';
import { choice, chosenMethod, chosenModel, chosenPicture } from './choice.ts';
import { FaultNote } from './fault-note.tsx';
import { isShown, run, start, stop } from './run.ts';
import { connection } from './server.ts';
import { answerTo } from './stock.ts';

/** How far the explanation of the present choice is. */
export function RunStatus() {
  return (
    <section class="status" aria-label="Explanation">
      <Now />
    </section>
  );
}

/** Marks what is shown while it is not what is chosen. */
function Old() {
  if (selected.value.result === null || isShown.value) return null;
  return <Chip kind="warn">the map shown was made before</Chip>;
}

function Now() {
  const now = run.value;
  if (now.state === 'waiting')
    return (
      <Busy
        text={
          now.before > 0
            ? `Waits: ${plural(now.before, 'explanation')} of this model ${now.before === 1 ? 'comes' : 'come'} first`
            : 'Waits for its turn'
        }
      />
    );
  if (now.state === 'running')
    return <Busy text={now.total > 0 ? `${now.done} of ${now.total}` : ''} done={now.done} total={now.total} />;
  if (now.state === 'failed' && connection.value !== 'fine')
    return (
      <p>
        Not explained. <Old />
      </p>
    );
  if (now.state === 'failed')
    return (
      <>
        <FaultNote
          about={`${chosenMethod.value?.title ?? 'Explanation'} of ${chosenPicture.value?.name ?? 'the picture'}`}
          fault={now.fault}
          onDismiss={stop}
          onAgain={start}
        />
        <p>
          <Old />
        </p>
      </>
    );
  if (now.state === 'stopped')
    return (
      <div class="busy">
        <p>
          Stopped. <Old />
        </p>
        <button type="button" class="primary" onClick={start}>
          Explain
        </button>
      </div>
    );
  if (now.state === 'done') return <Done />;
  return <p class="muted">{whatIsMissing()}</p>;
}

function Busy({
  text,
  done = 0,
  total = 0,
}: {
  readonly text: string;
  readonly done?: number;
  readonly total?: number;
}) {
  return (
    <div class="busy">
      <p>
        {chosenMethod.value?.title} of {chosenPicture.value?.name} <Old />
      </p>
      <progress aria-label="Explanation" {...(total > 0 ? { max: total, value: done } : {})} />
      <p class="muted">{text}</p>
      <button type="button" onClick={stop}>
        Stop
      </button>
    </div>
  );
}

function Done() {
  const answer = choice.value && answerTo(choice.value);
  if (!answer) return null;
  const { results, explanation } = answer;
  return (
    <p>
      {chosenMethod.value?.title} for {results.map(({ target }) => className(target)).join(', ')}{' '}
      <span class="muted">in {milliseconds(explanation.milliseconds)}</span>
    </p>
  );
}

function whatIsMissing(): string {
  const [model, method] = [chosenModel.value, chosenMethod.value];
  if (!model) return 'Drop a model to have pictures explained.';
  if (!method) return `No method can explain ${model.name}; below “Method” is why.`;
  if (method.refused !== null) return `${model.name} has no ${method.title}: ${method.refused}. Choose another method.`;
  return 'Drop a picture to have it explained.';
}

const milliseconds = (time: number): string =>
  time < 1000 ? `${Math.round(time)} ms` : `${Number((time / 1000).toPrecision(3))} s`;
