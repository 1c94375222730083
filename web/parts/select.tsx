export interface Option<T extends string | number> {
  readonly value: T;
  readonly text: string;
}

export interface SelectProps<T extends string | number> {
  readonly label: string;
  readonly value: T;
  readonly options: readonly Option<T>[];
  readonly disabled?: boolean;
  readonly onChange: (value: T) => void;
}

/** A choice of one under its label. */
export function Select<T extends string | number>({ label, value, options, disabled, onChange }: SelectProps<T>) {
  return (
    <label class="control">
      <span class="caption">{label}</span>
      <select
        disabled={disabled}
        value={value}
        onChange={event => onChange(options[event.currentTarget.selectedIndex]!.value)}
      >
        {options.map(option => (
          <option key={option.value} value={option.value} selected={option.value === value}>
            {option.text}
          </option>
        ))}
      </select>
    </label>
  );
}
