import { Section } from '../parts/section.tsx';
import { settings } from '../state/settings.ts';
import { shownPhoto } from '../state/shown.ts';
import { look } from './choice.ts';
import { RemoveButton, RemoveFault } from './remove.tsx';
import { pictures } from './stock.ts';
import { UploadList } from './upload-list.tsx';

/** Which picture is looked at. */
export function PictureStrip() {
  return (
    <Section title="Pictures">
      {pictures.value.length === 0 && <p class="muted">None yet: drop some.</p>}
      {pictures.value.length > 0 && (
        <ul class="strip">
          {pictures.value.map(({ id, name, picture: { type, data } }, place) => (
            <li key={id}>
              <button
                type="button"
                class="cell"
                aria-pressed={place === shownPhoto.value}
                aria-label={name}
                title={name}
                onClick={() => {
                  look();
                  settings.photo.value = place;
                }}
              >
                <img src={`data:${type};base64,${data}`} alt="" decoding="async" />
              </button>
              <RemoveButton kind="picture" id={id} name={name} />
            </li>
          ))}
        </ul>
      )}
      <UploadList kind="picture" />
      <RemoveFault kind="picture" />
    </Section>
  );
}
