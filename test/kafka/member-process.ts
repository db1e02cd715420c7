// A member of a group, alone in its process: tests hold it still or kill it. Says what happens to it by messages.
import { openKafkaMembership } from '../../libs/log/kafka/kafka-membership.js';

const [brokers = '', group = '', partitionCount = '', sessionMs = ''] = process.argv.slice(2);
const ownership = openKafkaMembership({
  connect: { brokers: brokers.split(','), clientId: 'thyme-test' },
  group,
  partitionCount: Number(partitionCount),
  sessionMs: Number(sessionMs),
});
const say = (text: string): void => void process.send?.(text);
await ownership.join({
  address: 'process:1',
  onAssigned: (partitions) => say(`assigned ${partitions.join(' ')}`),
  onRevoked: (partitions, reason) => say(`${reason} ${partitions.join(' ')}`),
});
// The test may end before it ends this process.
process.once('disconnect', () => process.exit());
