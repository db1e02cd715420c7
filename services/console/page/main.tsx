// What runs in the browser. A person's way through it:
//
//   session.ts   - the key, where one is needed; api.ts - asks REST with it
//   place.ts     - the address behind `#`: which page, and what it shows
//   shell.tsx    - navigation, theme, and the page that the address names
//   overview.tsx, catalog.tsx, lineage.tsx, travel.tsx, runs.tsx - the pages
//   asked.ts     - what a page knows of an answer that comes, fails or is asked for again
//   words.ts     - numbers, durations and instants as people read them
import { render } from 'preact';
import { openLink } from './session.js';
import { Shell } from './shell.js';
import './page.css';

const root = document.getElementById('app');
if (root === null) throw new Error('the document has no place for the page');
render(<Shell linkProblem={await openLink()} />, root);
