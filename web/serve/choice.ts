import { batch, computed } from '@preact/signals';
import type { ExplanationRequest, ServedMethod, ServedModel, ServedPicture } from '../../lib/serve/api.ts';
import { settings } from '../state/settings.ts';
import { shownPhoto, shownRun } from '../state/shown.ts';
import { models, pictures } from './stock.ts';

// What is chosen to be explained, and how.

export const chosenModel = computed<ServedModel | null>(() => models.value[shownRun.value] ?? null);
export const chosenPicture = computed<ServedPicture | null>(() => pictures.value[shownPhoto.value] ?? null);

/** The one that is asked for, else Grad-CAM where the model has it, else the first that it has. */
export const chosenMethod = computed<ServedMethod | null>(() => {
  const methods = chosenModel.value?.methods ?? [];
  const asked = methods.find(({ name }) => name === settings.askMethod.value);
  if (asked) return asked;
  const possible = methods.filter(({ refused }) => refused === null);
  return possible.find(({ name }) => name === 'grad-cam') ?? possible[0] ?? null;
});

/** '' for the automatic choice, and for a layer that this model has not. */
export const chosenLayer = computed<string>(() => {
  const asked = settings.askLayer.value;
  return chosenModel.value?.layers.some(({ name, chosen }) => name === asked && !chosen) ? asked : '';
});

/** null until it is whole. */
export const choice = computed<ExplanationRequest | null>(() => {
  const [model, picture, method] = [chosenModel.value, chosenPicture.value, chosenMethod.value];
  if (!model || !picture || !method || method.refused !== null) return null;
  const layer = chosenLayer.value;
  const technique = settings.askTechnique.value;
  return {
    model: model.id,
    picture: picture.id,
    method: method.name,
    ...(layer === '' ? {} : { layer }),
    target: settings.askTarget.value,
    ...(technique === '' ? {} : { technique }),
  };
});

/** Chooses what was asked for before. */
export function choose({ method, layer, target, technique }: ExplanationRequest): void {
  batch(() => {
    settings.askMethod.value = method;
    settings.askLayer.value = layer ?? '';
    settings.askTarget.value = target ?? 'top1';
    settings.askTechnique.value = technique ?? '';
  });
}

/** Whoever chooses something wants to look at it, side by side with another if that is what is shown. */
export function look(): void {
  if (settings.view.value !== 'compare') settings.view.value = 'photo';
}
