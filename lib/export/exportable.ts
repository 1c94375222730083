import { OnnxCamError } from '../common/errors.ts';
import type { LayerMethod, LayersMethod, MethodDefinition } from '../methods/definition.ts';
import { METHODS } from '../methods/registry.ts';

/** A method that says itself as nodes. */
export type ExportableMethod =
  | (LayerMethod & { readonly inGraph: NonNullable<LayerMethod['inGraph']> })
  | (LayersMethod & { readonly inGraph: NonNullable<LayersMethod['inGraph']> });

export function isExportable(definition: MethodDefinition): definition is ExportableMethod {
  return definition.scope !== 'graph' && definition.inGraph !== undefined;
}

/** Names of the methods that exported models can hold, in the registry's order. */
export const exportableMethods = (): string[] => METHODS.filter(isExportable).map(({ name }) => name);

/** @throws `ERR_METHOD_UNSUPPORTED` with the list of those that work */
export function exportable(definition: MethodDefinition): ExportableMethod {
  if (isExportable(definition)) return definition;
  throw new OnnxCamError(
    'ERR_METHOD_UNSUPPORTED',
    `${definition.name} cannot be written into a model: it takes runs of changed pictures, random numbers, or passes of its own; ` +
      `methods that can: ${exportableMethods().join(', ')}`,
  );
}
