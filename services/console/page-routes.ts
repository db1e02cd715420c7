import type { RestResponse, Route } from '../../libs/rest/route.js';
import type { PageBundle } from './bundle-page.js';

/**
 * What the page may do: run and be styled by what this server gives out, and ask this server. No script or style stands in the document,
 * so whatever text of a user came to be read as HTML could run nothing.
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  // These are not covered by default-src; each takes away more.
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const PAGE_HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const DOCUMENT = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Thyme</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/console/page.css">
<script type="module" src="/console/page.js"></script>
</head>
<body><div id="app"></div><noscript>The console needs JavaScript. The same is told by /api/v1/status.</noscript></body>
</html>
`;

/**
 * The page and its two files. They are public, since they are the same for everybody and hold nothing of the deployment; what they show is
 * asked from REST, with a key where one is required. They are made when the first of them is asked for.
 */
export function pageRoutes(bundle: () => Promise<PageBundle>): readonly Route[] {
  let made: Promise<PageBundle> | undefined;
  const bundled = async (): Promise<PageBundle> => {
    made ??= bundle();
    try {
      return await made;
    } catch (error) {
      made = undefined; // what went wrong may be over at the next request
      throw error;
    }
  };
  const file = (path: string, type: string, text: () => Promise<string> | string): Route => ({
    method: 'GET',
    path,
    scope: 'public',
    summary: 'A file of the web console.',
    answers: { [type]: { type: 'string' } },
    handle: async (): Promise<RestResponse> => ({
      status: 200,
      headers: { 'content-type': `${type}; charset=utf-8`, ...PAGE_HEADERS },
      body: await text(),
    }),
  });
  return [
    file('/', 'text/html', () => DOCUMENT),
    file('/console/page.js', 'text/javascript', async () => (await bundled()).script),
    file('/console/page.css', 'text/css', async () => (await bundled()).style),
  ];
}
