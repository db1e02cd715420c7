// A writer, alone in its process: tests hold it still. Commits one record after another, says each that is
// committed by a message, and at last the code of the failure that ended it.
import { openKafkaLog } from '../../libs/log/kafka/kafka-log.js';

const [broker = '', topic = ''] = process.argv.slice(2);
const log = await openKafkaLog({ brokers: [broker], clientId: 'thyme-test' });
const writer = await log.writer(topic);
process.once('disconnect', () => process.exit());
let failure: unknown;
for (let n = 0; failure === undefined; n++) {
  try {
    await writer.commit([{ target: { topic, partition: 0 }, records: [{ key: Buffer.from('k'), value: Buffer.from(`${n}`) }] }]);
    process.send?.(`${n}`);
  } catch (error) {
    failure = error;
  }
}
process.send?.((failure as { readonly code?: string }).code ?? String(failure)); // The test compares it.
await log.close();
process.disconnect();
