import { readFileSync, writeFileSync } from 'node:fs';

/** Replaces what stands between `<!-- name -->` and `<!-- /name -->` in a page of the repository. */
export function writeSection(page, name, text) {
  const file = new URL(`../../${page}`, import.meta.url);
  const [before, , after] = readFileSync(file, 'utf8').split(new RegExp(`<!-- ${name} -->|<!-- /${name} -->`));
  writeFileSync(file, `${before}<!-- ${name} -->\n${text}\n<!-- /${name} -->${after}`);
}
