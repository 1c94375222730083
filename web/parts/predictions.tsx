import type { PhotoInRun } from '../../lib/report/data.ts';
import { className, percent } from '../state/words.ts';
import { Chip } from './chip.tsx';

/** The model's best classes with bars of their probabilities. */
export function Predictions({ predictions, correct }: PhotoInRun) {
  if (predictions.length === 0) return null;
  return (
    <div class="predictions">
      <h3>
        What the model sees{' '}
        {correct !== null && <Chip kind={correct ? 'good' : 'bad'}>{correct ? 'correct' : 'wrong'}</Chip>}
      </h3>
      <ol>
        {predictions.map(prediction => (
          <li key={prediction.index}>
            <span>{className(prediction)}</span>
            {prediction.probability !== null && (
              <>
                <span class="bar" aria-hidden="true">
                  <span style={{ width: `${100 * prediction.probability}%` }} />
                </span>
                <span class="number">{percent(prediction.probability)}</span>
              </>
            )}
          </li>
        ))}
      </ol>
    </div>
  );
}
