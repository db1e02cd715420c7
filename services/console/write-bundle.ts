// `npm run build`, after the compiler: bundles the console's page from its sources, into the compiled program. Run in the
// repository's root.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writePageBundle } from './bundle-page.js';

await writePageBundle('services/console/page/main.tsx', join(fileURLToPath(new URL('.', import.meta.url)), 'bundle'));
