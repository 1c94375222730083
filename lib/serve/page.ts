import { escapeHtml } from '../report/html.ts';

export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data: blob:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Of every answer. */
export const HEADERS = {
  'content-security-policy': PAGE_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** The page, empty until its program fills it. */
export function servePage(token: string): string {
  const query = `?token=${encodeURIComponent(token)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>onnx-cam</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="page.css${query}">
</head>
<body>
<div id="app"></div>
<noscript>This page needs JavaScript; it loads nothing from elsewhere.</noscript>
<script src="page.js${query}"></script>
</body>
</html>
`;
}

/** For whoever opens the page without its token. */
export function refusedPage(message: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>onnx-cam</title><link rel="icon" href="data:,"></head>
<body><p>onnx-cam: ${escapeHtml(message)}</p></body>
</html>
`;
}
