import { realpath } from 'node:fs/promises';
import { basename, dirname, extname } from 'node:path';
import { OnnxCamError } from '../../common/errors.ts';
import { drawContactSheet, type SheetRow, TILE, type Tile } from '../../image/contact-sheet.ts';
import { encodeImage } from '../../image/encode.ts';
import type { RawPicture } from '../../image/raw-picture.ts';
import { tileOf } from '../../image/tile.ts';
import { findMethod } from '../../methods/registry.ts';
import type { OutputStore } from '../../stores/output-store.ts';
import type { CommandInput } from '../inputs/inputs.ts';
import { NameSet, numbered } from '../inputs/name-set.ts';
import { plural, targetText } from '../tell/text.ts';
import type { NamedExplanation } from './explain-input.ts';

/** Columns of a sheet: what a screen shows at once. */
export const MOST_COLUMNS = 8;
const NAME = 'contact-sheet.png';

/** A picture with one of its targets. */
interface Column {
  readonly head: string[];
  original: Tile;
  readonly tiles: Map<string, Tile>;
}

/** What was written, for people. */
export interface WrittenSheet {
  /** Relative to where results go. */
  readonly file: string;
  /** Shown, and how many there were. */
  readonly columns: number;
  readonly of: number;
}

/** Where a result's picture goes. */
export interface SheetPlace {
  /** @param overlay as it was written */
  put(result: NamedExplanation, overlay: RawPicture): Promise<void>;
  fail(error: unknown): void;
}

/**
 * One picture of all results: methods in rows, pictures with their targets in columns. It holds tiles, not explanations: some 100 KB
 * for each of at most eight columns' methods, however many inputs there are.
 */
export class SheetRecord {
  readonly #methods: readonly string[];
  readonly #columns = new Map<string, Column>();
  /** The columns of the input that was seen last; earlier ones don't come again. */
  #last = { owner: '', keys: new Set<string>() };
  #count = 0;

  constructor(methods: readonly string[]) {
    this.#methods = methods;
  }

  /**
   * The place of a result, asked for in the order of results.
   * @returns undefined where the sheet is full
   */
  place(input: string, result: NamedExplanation | OnnxCamError): SheetPlace | undefined {
    const name = result instanceof OnnxCamError ? undefined : result.name;
    const key = JSON.stringify([input, name?.stem, name?.image, name?.target]);
    const column = this.#columnOf(input, key);
    if (!column) return undefined;
    column.head[0] ??= basename(input) + (name?.image === undefined ? '' : ` [${name.image}]`);
    if (result instanceof OnnxCamError) {
      column.original = { instead: result.code };
      return undefined;
    }
    column.head[1] ??= targetText(result.explanation.target);
    const { method, status } = result.explanation;
    return {
      put: async ({ explanation }, overlay) => {
        // The map that hides nothing.
        column.original ??= await tileOf(await explanation.overlay({ alpha: 0 }), TILE);
        column.tiles.set(method, status === 'ok' ? await tileOf(overlay, TILE) : { instead: `the map is ${status}` });
      },
      fail: error => column.tiles.set(method, { instead: error instanceof OnnxCamError ? error.code : 'failed' }),
    };
  }

  #columnOf(owner: string, key: string): Column | undefined {
    if (this.#last.owner !== owner) this.#last = { owner, keys: new Set() };
    if (!this.#last.keys.has(key)) {
      this.#last.keys.add(key);
      this.#count++;
      if (this.#count <= MOST_COLUMNS) this.#columns.set(key, { head: [], original: null, tiles: new Map() });
    }
    return this.#columns.get(key);
  }

  /**
   * Draws what is there and writes it in one step, under a name that none of the inputs has.
   * @returns null where nothing was explained
   * @throws `ERR_OUTPUT`
   */
  async write(
    store: OutputStore,
    { model, inputs, interrupted }: { model: string; inputs: readonly CommandInput[]; interrupted: boolean },
  ): Promise<WrittenSheet | null> {
    const columns = [...this.#columns.values()];
    if (columns.every(({ tiles }) => tiles.size === 0)) return null;
    const left = this.#count - columns.length;
    const sheet = await drawContactSheet({
      columns: columns.map(({ head }) => [head[0] ?? '', head[1] ?? '']),
      rows: [
        { caption: 'picture', note: '', tiles: columns.map(({ original }) => original) },
        ...this.#methods.map((method, m) => this.#row(method, this.#methods[m - 1], columns)),
      ],
      foot: [
        `${basename(model)}, with onnx-cam${interrupted ? '; interrupted before all was done' : ''}`,
        ...(left > 0 ? [`the first ${columns.length} of ${plural(this.#count, 'column')}`] : []),
      ],
    });
    const file = store.folder === undefined ? NAME : await freeName(store.folder, inputs);
    await store.put(file, await encodeImage(sheet));
    return { file, columns: columns.length, of: this.#count };
  }

  /** Families have a name where they begin. */
  #row(method: string, before: string | undefined, columns: readonly Column[]): SheetRow {
    const { family } = findMethod(method);
    const isFirst = before === undefined || findMethod(before).family !== family;
    return {
      caption: method,
      note: isFirst ? `${family} methods` : '',
      tiles: columns.map(({ tiles }) => tiles.get(method) ?? null),
    };
  }
}

/** The usual one, unless it is an input's: pictures that were given are not written over. */
async function freeName(folder: string, inputs: readonly CommandInput[]): Promise<string> {
  const extension = extname(NAME);
  const stem = basename(NAME, extension);
  const taken = new NameSet();
  const at = await realpath(folder);
  for (const { path } of inputs) {
    if (!basename(path).toLowerCase().startsWith(stem)) continue;
    const inside = await realpath(dirname(path)).catch(() => null);
    if (inside === at) taken.add(basename(path));
  }
  return numbered(stem, candidate => !taken.has(candidate + extension)) + extension;
}
