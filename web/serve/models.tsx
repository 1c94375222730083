import { Section } from '../parts/section.tsx';
import { settings } from '../state/settings.ts';
import { shownRun } from '../state/shown.ts';
import { look } from './choice.ts';
import { RemoveButton, RemoveFault } from './remove.tsx';
import { models } from './stock.ts';
import { UploadList } from './upload-list.tsx';

/** Which model is looked into. */
export function Models() {
  return (
    <Section title="Model">
      <UploadList kind="model" />
      {models.value.length === 0 && <p class="muted">None yet: drop an .onnx file.</p>}
      <ul class="models">
        {models.value.map(({ id, name }, place) => (
          <li key={id}>
            <label class="checkbox">
              <input
                type="radio"
                name="model"
                checked={place === shownRun.value}
                onChange={() => {
                  look();
                  settings.run.value = place;
                }}
              />
              <span>{name}</span>
            </label>
            <RemoveButton kind="model" id={id} name={name} />
          </li>
        ))}
      </ul>
      <RemoveFault kind="model" />
    </Section>
  );
}
