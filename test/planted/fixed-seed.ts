// Loaded in front of the suites: a planted bug is caught in every run or in none, not by luck.
import fc from 'fast-check';

export const SUITE_SEED = 20_261_124;

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: SUITE_SEED });
