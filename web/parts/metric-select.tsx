import { settings } from '../state/settings.ts';
import { Select } from './select.tsx';

/** The one of these metrics that is chosen; the first where none is. */
export function chosenMetric(metrics: readonly string[]): string | undefined {
  return metrics.includes(settings.metric.value) ? settings.metric.value : metrics[0];
}

/** Which metric's curves are shown. */
export function MetricSelect({ metrics }: { readonly metrics: readonly string[] }) {
  return (
    <div class="controls">
      <Select
        label="Metric"
        value={chosenMetric(metrics) ?? ''}
        options={metrics.map(value => ({ value, text: value }))}
        onChange={value => {
          settings.metric.value = value;
        }}
      />
    </div>
  );
}
