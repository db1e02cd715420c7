// Loaded in front of all suites. Where CI runs, the inputs that property tests draw are decided by the commit: another one
// draws others, and the same one draws the same again, wherever it is run. Elsewhere each run draws its own.
import fc from 'fast-check';
import { commitId } from '../../infra/bench/bench-report.js';

if (process.env.CI === 'true') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number.parseInt(commitId(), 16) | 0 });
