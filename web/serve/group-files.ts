/** Files that were dropped together, by what becomes of them. */
export interface FileGroups {
  /** Each a model first, then the files that go with it. */
  readonly models: readonly (readonly File[])[];
  readonly pictures: readonly File[];
  /** What belongs to a model, without one. */
  readonly stray: readonly File[];
}

const IS_MODEL = /\.onnx$/i;
const IS_PICTURE = /\.(a?png|jpe?g|jfif|webp|gif|avif|heic|heif|tiff?|bmp|svg|jp2|jxl)$/i;
const GOES_WITH_MODELS = /\.(txt|json|names|csv|data|bin|weights?|pb|onnx[._]data)$/i;

/**
 * A model takes the files that begin with its name, and those that begin with no model's name: labels.txt, config.json and weights
 * go with each model they were dropped with.
 */
export function groupFiles(files: readonly File[]): FileGroups {
  const models = files.filter(({ name }) => IS_MODEL.test(name));
  const isPicture = ({ type, name }: File) => type.startsWith('image/') || IS_PICTURE.test(name);
  const others = files.filter(file => !models.includes(file));
  if (models.length === 0) {
    const stray = others.filter(file => !isPicture(file) && GOES_WITH_MODELS.test(file.name));
    return { models: [], pictures: others.filter(file => !stray.includes(file)), stray };
  }
  const companions = others.filter(file => !isPicture(file));
  const owner = (name: string) =>
    models
      .filter(model => name.startsWith(stem(model.name)))
      .reduce<File | null>((best, model) => (best && best.name.length >= model.name.length ? best : model), null);
  return {
    models: models.map(model => [
      model,
      ...companions.filter(({ name }) => {
        const owned = owner(name);
        return owned === null || owned === model;
      }),
    ]),
    pictures: others.filter(isPicture),
    stray: [],
  };
}

const stem = (name: string): string => name.replace(IS_MODEL, '');
