// What a caller is told when the disk or the brokers of this process fail.
import { expect } from 'chai';
import { onRecord } from '../../../libs/errors/errors.js';
import { incidentOf } from '../../../libs/errors/incident.js';
import { within } from '../../../libs/feature/feature-errors.js';
import { toThymeError } from '../../../libs/log/kafka/errors.js';
import { toProblem } from '../../../libs/rest/problem.js';
import { toStatus } from '../../../libs/rpc/status.js';
import { storeDamaged, storeFailed, storeLocked } from '../../../libs/store/store-errors.js';

describe('ways in: errors', () => {
  const PRIVATE = ['/srv/thyme/data', 'No space left on device', 'ENOSPC', '10.0.0.7:9092'];

  it('tell no path, no address and no text of the system, and where the log has them', () => {
    const system = Object.assign(new Error('IO error: /srv/thyme/data/log/000123.log: No space left on device'), { code: 'ENOSPC' });
    const failed = storeFailed('/srv/thyme/data/log', 'failed to write', system);
    for (const error of [
      system,
      failed,
      onRecord(failed, 'run-1'),
      within('row 3', failed),
      storeDamaged('/srv/thyme/data/store', system),
      storeLocked('/srv/thyme/data/log'),
      toThymeError(system, ['10.0.0.7:9092']),
    ]) {
      const said = [toProblem(error).body, JSON.stringify(toStatus(error)), toStatus(error).details];
      for (const word of PRIVATE) for (const text of said) expect(text).to.not.contain(word);
      for (const text of said) expect(text).to.contain(incidentOf(error));
      expect(incidentOf(error)).to.match(/^[0-9a-f]{12}$/);
    }
  });
});
