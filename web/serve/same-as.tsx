import { selected } from '../state/selected.ts';
import { announce } from './announce.ts';
import { choice } from './choice.ts';
import { copy } from './copy.ts';
import { isShown } from './run.ts';
import { answerTo, answerWith } from './stock.ts';

/** How to make the map that is shown without this page. */
export function SameAs() {
  const { result } = selected.value;
  if (!result) return null;
  const answer = isShown.value ? answerTo(choice.value!) : answerWith(result);
  if (!answer) return null;
  const { command, program } = answer.explanation;
  return (
    <details class="same">
      <summary>The same as a command and as a program</summary>
      <Copied title="As a command" text={command} />
      <Copied title="As a program" text={program} />
    </details>
  );
}

function Copied({ title, text }: { readonly title: string; readonly text: string }) {
  const onClick = async () => {
    announce((await copy(text)) ? `${title}: copied` : 'The browser does not let the page copy: select the text');
  };
  return (
    <div class="copied">
      <h3>{title}</h3>
      <button type="button" aria-label={`Copy it: ${title.toLowerCase()}`} onClick={() => void onClick()}>
        Copy
      </button>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys scroll what has the focus */}
      <pre tabIndex={0}>{text}</pre>
    </div>
  );
}
