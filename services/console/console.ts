// The console: pages in a browser that show what the platform is and does, served by the gateway of every platform.
//
//   page-routes.ts      - the document, its script and its style, with the policy that the browser holds them to
//   bundle-page.ts      - makes script and style of page/; write-bundle.ts - at build
//   console-sessions.ts - one-time links and what they are exchanged for; session-routes.ts - the same over REST
//   page/               - what runs in the browser; page/main.tsx is its map
//
// Invariants:
//   U1. The page asks public REST, and nothing else: whoever may not ask may not see.
//   U2. What comes from users is text of a node or the value of an attribute, never markup.
//   U3. A link is exchanged once; the key that it gives is this process's, and dies with it.

import type { Route } from '../../libs/rest/route.js';
import { pageBundle } from './bundle-page.js';
import { ConsoleSessions, type ConsoleSessionsOptions } from './console-sessions.js';
import { pageRoutes } from './page-routes.js';
import { sessionRoutes } from './session-routes.js';

/** What a gateway serves for the console: routes of its REST interface, and the page. */
export function createConsole(options: ConsoleSessionsOptions): { readonly api: readonly Route[]; readonly page: readonly Route[] } {
  return { api: sessionRoutes(new ConsoleSessions(options)), page: pageRoutes(pageBundle) };
}
