/** Of node:util, which messages of errors show values with; the page makes no such errors. */
export const inspect = String;
