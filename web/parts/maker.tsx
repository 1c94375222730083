import type { SummaryMaker } from '../../lib/evaluation/summary-table.ts';
import type { MakerField } from '../../lib/evaluation/telling-fields.ts';
import { fieldWords } from '../state/maker-names.ts';

export interface MakerProps {
  readonly maker: SummaryMaker;
  /** What is said besides the method. */
  readonly fields: readonly MakerField[];
}

/** What made maps, as a heading of a row. */
export function Maker({ maker, fields }: MakerProps) {
  const more = fieldWords(maker, fields);
  return (
    <>
      {maker.method}
      {more.length > 0 && !maker.control && <span class="more">{more.join(' · ')}</span>}
    </>
  );
}
