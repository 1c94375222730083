import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes of all files below, each counted once however many names it has. */
export function sizeOf(path, seen = new Set()) {
  const stat = lstatSync(path);
  if (stat.isDirectory()) return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name), seen), 0);
  if (!stat.isFile() || seen.has(stat.ino)) return 0;
  seen.add(stat.ino);
  return stat.size;
}

const megabytes = bytes =>
  bytes < 1e5 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
const mono = text => `\`${text}\``;

/** How an install ended. */
function complaint({ code, output }) {
  if (code === 0) return 'works';
  const cause = /(connect E\w+|getaddrinfo E\w+|ERR_PNPM_\w+)/.exec(output)?.[1];
  return `exit ${code}${cause ? `, ${mono(cause)}` : ''}`;
}

export function installsTable(rows) {
  const lines = rows.map(row => {
    const { name, version, node, command, plain, running, skipped, bytes, works } = row;
    return [
      `${name} (${version})`,
      node ? `Node ${node}` : 'its own',
      mono(command),
      works ? `import, require, doctor; ${megabytes(bytes)}` : 'fails',
      complaint(plain),
      row.runsScripts ? 'yes' : 'no',
      `${complaint(running)}; with the setting ${skipped.code === 0 ? 'works' : 'fails'}`,
    ];
  });
  const head = [
    'manager',
    'runs in',
    'command',
    'tried; size',
    'without flags',
    "runs dependencies' scripts",
    'script without a way out',
  ];
  return [head, head.map(() => '---'), ...lines].map(cells => `| ${cells.join(' | ')} |\n`).join('');
}

/** What lies in the tarball, by folder. */
export function contentsTable(folder, packed) {
  const size = entries => entries.reduce((sum, name) => sum + sizeOf(join(folder, name)), 0);
  const names = readdirSync(folder);
  const isFolder = name => lstatSync(join(folder, name)).isDirectory();
  const count = path =>
    lstatSync(path).isDirectory() ? readdirSync(path).reduce((sum, name) => sum + count(join(path, name)), 0) : 1;
  const lines = names.filter(isFolder).map(name => [`\`${name}/\``, count(join(folder, name)), size([name])]);
  const files = names.filter(name => !isFolder(name));
  lines.push([files.map(name => `\`${name}\``).join(', '), files.length, size(files)]);
  lines.push([`all; packed ${megabytes(packed)}`, count(folder), size(names)]);
  return `| | files | size |\n|---|---|---|\n${lines.map(([name, n, bytes]) => `| ${name} | ${n} | ${megabytes(bytes)} |\n`).join('')}`;
}
