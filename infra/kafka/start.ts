// `npm run kafka [-- --version 3.9.1 --brokers 3 --folder DIR]`: a Kafka on loopback until Ctrl-C.
import { parseArgs } from 'node:util';
import { systemClock } from '../../libs/time/clock.js';
import { untilSignalled } from '../../services/program/stop-signals.js';
import { KAFKA_VERSIONS } from './kafka-jars.js';
import { startKafka } from './kafka.js';

const { values } = parseArgs({
  options: { version: { type: 'string', default: '4.3.1' }, brokers: { type: 'string', default: '1' }, folder: { type: 'string' } },
});
const version = KAFKA_VERSIONS.find((known) => known === values.version);
if (version === undefined) throw new RangeError(`--version: use one of ${KAFKA_VERSIONS.join(', ')}`);
if (values.brokers !== '1' && values.brokers !== '3') throw new RangeError('--brokers: use 1 or 3');

const kafka = await startKafka({
  version,
  brokers: Number(values.brokers),
  ...(values.folder === undefined ? {} : { folder: values.folder }),
});
process.stdout.write(`kafka ready brokers=${kafka.brokers.join(',')}\n`);
await untilSignalled(process, systemClock);
await kafka.stop();
