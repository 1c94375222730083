/** What is written: bytes, text, or parts one after another. */
export type Content = Uint8Array | string | readonly Uint8Array[];

/**
 * Where results go: a folder, or a place on a server. Names are relative to it, with `/` between their parts. Files appear whole or not
 * at all; of two writers the later wins.
 */
export interface OutputStore {
  /** As messages name it: without passwords, and without what follows a `?`. */
  readonly location: string;
  /** The folder itself, where it is one of this machine. */
  readonly folder: string | undefined;
  /** Where a file of this name lies, for messages. */
  pathOf(name: string): string;
  /**
   * Sees that files can be made there, before any work is done for it.
   * @returns a function that takes away what was made here for it and is still empty
   * @throws `ERR_OUTPUT`
   */
  prepare(): Promise<() => Promise<void>>;
  /** Writes a file, and replaces one that is there. @throws `ERR_OUTPUT` */
  put(name: string, content: Content): Promise<void>;
  /** The same from a file of this machine, which is not held in memory. @throws `ERR_OUTPUT`, what reading the file meets */
  putFile(name: string, path: string): Promise<void>;
  /**
   * Copies a file to one of this machine, which appears whole or not at all.
   * @returns false where there is none
   * @throws `ERR_OUTPUT`
   */
  getFile(name: string, path: string): Promise<boolean>;
  /** Takes a file away; none is fine. @throws `ERR_OUTPUT` */
  remove(name: string): Promise<void>;
  /** A look at what is there: cheap for many names in about the order of the alphabet. Made anew for each look. */
  presence(): Presence;
}

export interface Presence {
  /** Whether there is a file of this name, as old as the look. @throws `ERR_OUTPUT` where that cannot be told */
  has(name: string): Promise<boolean>;
}
