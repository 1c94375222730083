/** What typedoc's JSON says, as far as the tests ask. */

interface Text {
  readonly text: string;
}

export interface Comment {
  readonly summary?: readonly Text[];
  readonly blockTags?: readonly { readonly tag: string; readonly content: readonly Text[] }[];
}

interface Type {
  readonly type: string;
  readonly declaration?: Reflection;
  readonly types?: readonly (Type & { readonly value?: string })[];
  readonly elementSummaries?: readonly (readonly Text[])[];
}

export interface Signature {
  readonly comment?: Comment;
  readonly parameters?: readonly { readonly type: Type; readonly comment?: Comment }[];
}

export interface Reflection {
  readonly name: string;
  readonly kind: number;
  readonly comment?: Comment;
  readonly flags?: { readonly isExternal?: boolean };
  readonly children?: readonly Reflection[];
  readonly signatures?: readonly Signature[];
  readonly getSignature?: Signature;
  readonly type?: Type;
}

/** An entry of the package, with its exports. */
export interface Entry extends Reflection {
  readonly children: readonly Reflection[];
}

/** typedoc's number of `export … from` another entry. */
const REFERENCE = 4194304;

const textOf = (parts: readonly Text[] = []): string => parts.map(({ text }) => text).join('');
const wholeText = ({ summary, blockTags = [] }: Comment = {}): string =>
  [textOf(summary), ...blockTags.map(({ content }) => textOf(content))].join('\n');

/** Paths of exports, of their properties and methods, and of the properties of options that functions write out, without a docstring. */
export function undocumented(entry: Entry): string[] {
  return entry.children.flatMap(item => undocumentedIn(item, `${entry.name}: ${item.name}`));
}

function undocumentedIn(item: Reflection, path: string): string[] {
  if (item.kind === REFERENCE || item.flags?.isExternal) return [];
  const signatures = item.signatures ?? (item.getSignature ? [item.getSignature] : []);
  const comments = [item.comment, ...signatures.map(({ comment }) => comment)];
  const own = comments.some(comment => textOf(comment?.summary) !== '') ? [] : [path];
  const properties = item.children?.flatMap(child => undocumentedIn(child, `${path}.${child.name}`)) ?? [];
  const written = signatures.flatMap(({ comment, parameters = [] }) => {
    const said = [comment, ...parameters.map(parameter => parameter.comment)].map(wholeText).join('\n');
    return parameters
      .flatMap(({ type }) => literalsOf(type))
      .filter(property => !textOf(property.comment?.summary) && !said.includes(`\`${property.name}\``))
      .map(property => `${path}({ ${property.name} })`);
  });
  return [...own, ...properties, ...written];
}

/** Properties of object types that are written out. */
function literalsOf({ declaration, types = [] }: Type): Reflection[] {
  return [...(declaration?.children ?? []), ...types.flatMap(literalsOf)];
}

/** Every function and method, once for each signature. */
export function functionsOf(entry: Entry): { readonly path: string; readonly signature: Signature }[] {
  const within = (item: Reflection, path: string): { path: string; signature: Signature }[] => {
    if (item.flags?.isExternal) return [];
    const own = (item.signatures ?? []).map(signature => ({ path, signature }));
    return [...own, ...(item.children ?? []).flatMap(child => within(child, `${path}.${child.name}`))];
  };
  return entry.children.flatMap(item => within(item, item.name));
}

/** What a function says that it throws. */
export function throwsOf({ comment }: Signature): string {
  const tags = comment?.blockTags?.filter(({ tag }) => tag === '@throws') ?? [];
  return tags.map(({ content }) => textOf(content)).join('\n');
}

/** The error codes in some texts. */
export function namedIn(texts: readonly string[]): string[] {
  return [...new Set(texts.flatMap(text => text.match(/ERR_[A-Z_]+/g) ?? []))];
}

/** Every error code with what its docstring says. */
export function errorCodes(entries: readonly Entry[]): ReadonlyMap<string, string> {
  const union = entries.flatMap(({ children }) => children).find(({ name }) => name === 'ErrorCode')!.type!;
  return new Map(union.types!.map(({ value }, i) => [value!, textOf(union.elementSummaries![i])]));
}
