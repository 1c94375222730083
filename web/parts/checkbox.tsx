export interface CheckboxProps {
  readonly label: string;
  readonly checked: boolean;
  readonly disabled?: boolean;
  readonly onChange: (checked: boolean) => void;
}

export function Checkbox({ label, checked, disabled, onChange }: CheckboxProps) {
  return (
    <label class="checkbox">
      <input type="checkbox" {...{ checked, disabled }} onChange={event => onChange(event.currentTarget.checked)} />
      {label}
    </label>
  );
}
