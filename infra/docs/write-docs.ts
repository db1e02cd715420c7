import { buildDocs } from './build.js';

const [folder = 'dist/docs'] = process.argv.slice(2);
const pages = await buildDocs(folder);
process.stdout.write(`${folder}: ${pages.length} pages\n`);
