#!/usr/bin/env node
// Runs the program from source: what `npx thyme` starts in a checkout. The compiled one is dist/services/thyme.js.
import { register } from 'tsx/esm/api';

register();
await import('./thyme.ts');
