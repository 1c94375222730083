import { Section } from '../parts/section.tsx';
import { Select } from '../parts/select.tsx';
import { settings } from '../state/settings.ts';
import { chosenLayer, chosenModel, look } from './choice.ts';
import { ClassInput } from './class-input.tsx';
import { Methods } from './methods.tsx';
import { server } from './stock.ts';

/** How the model is asked. */
export function Ask() {
  const model = chosenModel.value;
  if (!model) return null;
  return (
    <Section title="How">
      <Methods {...model} />
      <ClassInput key={model.id} labels={model.labels} />
      <Layers />
      <Techniques />
    </Section>
  );
}

function Layers() {
  const { layers } = chosenModel.value!;
  const automatic = layers.find(({ chosen }) => chosen);
  const text = ({ name, operator, shape }: (typeof layers)[number]) =>
    `${name} · ${operator} ${shape.map(length => length ?? '?').join('×')}`;
  return (
    <div class="asked">
      <Select
        label="Layer"
        value={chosenLayer.value}
        options={[
          { value: '', text: automatic ? `automatic: ${text(automatic)}` : 'automatic' },
          ...layers.filter(({ chosen }) => !chosen).map(layer => ({ value: layer.name, text: text(layer) })),
        ]}
        onChange={name => {
          look();
          settings.askLayer.value = name;
        }}
      />
      {chosenLayer.value === '' && automatic?.reason && <p class="muted">{automatic.reason}</p>}
    </div>
  );
}

function Techniques() {
  const techniques = server.value?.techniques ?? [];
  if (techniques.length === 0) return null;
  return (
    <Select
      label="Technique"
      value={settings.askTechnique.value}
      options={[{ value: '', text: 'none' }, ...techniques.map(({ name, title }) => ({ value: name, text: title }))]}
      onChange={name => {
        look();
        settings.askTechnique.value = name;
      }}
    />
  );
}
