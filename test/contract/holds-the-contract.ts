import { expect } from 'chai';
import type { ContractFault, ContractSystem } from '../../services/ingest/testing/contract-system.js';
import { sourceContract } from '../../services/ingest/testing/source-contract.js';

/** Several processes are started and killed one after another; a busy machine takes its time for each. */
const CASE_MS_MAX = 120_000;

export interface ContractExceptions {
  /** The faults that this system cannot have; another one that is left out is a failure. */
  readonly skipped?: readonly ContractFault[];
  /** A server forgets what was confirmed to it, so only the last position can be gone on from: the case of others is not registered. */
  readonly forgets?: boolean;
}

/** Registers the suite's cases. */
export function holdsTheContract(open: () => Promise<ContractSystem>, { skipped = [], forgets = false }: ContractExceptions = {}): void {
  let left = 0;
  for (const { title, run } of sourceContract(open)) {
    if (forgets && title.includes('behind any position')) continue;
    it(title, async function () {
      this.timeout(CASE_MS_MAX);
      if ((await run()) !== 'skipped') return;
      left++;
      this.skip();
    });
  }

  it('leaves out only the faults that the system cannot have', () => {
    expect(left).to.equal(skipped.length);
  });
}
