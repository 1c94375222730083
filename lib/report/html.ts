import type { ReportData } from './data.ts';

// Runs in browsers too: the page of `onnx-cam serve` saves reports.

/** The page's program and style: dist/web/page.js and page.css. */
export interface PageFiles {
  readonly script: string;
  readonly style: string;
}

/**
 * The report as one HTML file, in parts to be written one after the other. It loads nothing: a Content-Security-Policy forbids all
 * but its own script and style. With a folder of payloads it loads photos-N.js from there.
 * @param chunks that the page holds itself, in order: arrays of `PhotoPayload` by `scriptJson`
 */
export async function* reportHtml(
  data: ReportData,
  chunks: Iterable<string>,
  { script, style }: PageFiles,
): AsyncGenerator<string, void, void> {
  const scripts = [await hashOf(script), ...(data.payloads !== null ? ["'strict-dynamic'"] : [])];
  const policy = [
    "default-src 'none'",
    `script-src ${scripts.join(' ')}`,
    `style-src ${await hashOf(style)}`,
    'img-src data: blob:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(data.runs.map(({ name }) => name).join(' and '))} · onnx-cam</title>
<style>${style}</style>
</head>
<body>
<div id="app"></div>
<noscript>This report needs JavaScript; it loads nothing from elsewhere.</noscript>
<script type="application/json" id="report">${scriptJson(data)}</script>
`;
  let chunk = 0;
  for (const payloads of chunks) yield `<script type="application/json" id="photos-${chunk++}">${payloads}</script>\n`;
  yield `<script>${script}</script>\n</body>\n</html>\n`;
}

/** JSON that ends no script element, whatever labels and file names say: HTML looks for `</script` and `<!--` alone. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => ENTITIES[character]!);
}

async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`;
}
