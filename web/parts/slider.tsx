export interface SliderProps {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** The value as text; default: as it is. */
  readonly format?: (value: number) => string;
  readonly disabled?: boolean;
  readonly onInput: (value: number) => void;
}

/** A slider under its label and its value. */
export function Slider({ label, value, min, max, step, format = String, disabled, onInput }: SliderProps) {
  const text = format(value);
  return (
    <label class="control slider">
      <span class="caption">
        {label} <output>{text}</output>
      </span>
      <input
        type="range"
        {...{ min, max, step, value, disabled }}
        aria-label={label}
        aria-valuetext={text}
        onInput={event => onInput(event.currentTarget.valueAsNumber)}
      />
    </label>
  );
}
