// The units of Debezium's and Kafka Connect's columns come by two roads, in a push (services/ingest/debezium-columns.ts) and in a message
// of a topic (libs/source/kafka/connect-values.ts): what is held is the same.
import { expect } from 'chai';
import { parseExactJson } from '../../libs/codec/exact-json.js';
import { clientScalars } from '../../libs/schema/read-scalar.js';
import type { ScalarKind, Value } from '../../libs/schema/value-type.js';
import { plain } from '../../libs/source/objects/object-rows.js';
import { withoutSchema } from '../../libs/source/kafka/connect-values.js';
import { compileColumnUnits } from '../../services/ingest/debezium-columns.js';

interface UnitCase {
  readonly unit: string;
  readonly kind: ScalarKind;
  /** As it stands in the payload, in JSON. */
  readonly sent: string;
  readonly held: Value;
  readonly parameters?: Readonly<Record<string, string>>;
}

const DECIMAL = 'org.apache.kafka.connect.data.Decimal';
const AT_US = 1_767_229_323_123_456;

const UNITS: readonly UnitCase[] = [
  { unit: 'io.debezium.time.Date', kind: 'date', sent: '20484', held: 20_484 },
  { unit: 'io.debezium.time.Date', kind: 'date', sent: '-1', held: -1 },
  { unit: 'io.debezium.time.Date', kind: 'timestamp', sent: '20484', held: 20_484 * 86_400e6 },
  { unit: 'org.apache.kafka.connect.data.Date', kind: 'date', sent: '20484', held: 20_484 },
  { unit: 'io.debezium.time.IsoDate', kind: 'date', sent: '"2026-01-31Z"', held: 20_484 },
  { unit: 'io.debezium.time.IsoDate', kind: 'date', sent: '"2026-01-31"', held: 20_484 },
  { unit: 'io.debezium.time.Timestamp', kind: 'timestamp', sent: '1767229323123', held: 1_767_229_323_123_000 },
  { unit: 'io.debezium.time.Timestamp', kind: 'timestamp', sent: '-1', held: -1_000 },
  { unit: 'org.apache.kafka.connect.data.Timestamp', kind: 'timestamp', sent: '1767229323123', held: 1_767_229_323_123_000 },
  { unit: 'io.debezium.time.MicroTimestamp', kind: 'timestamp', sent: String(AT_US), held: AT_US },
  { unit: 'io.debezium.time.MicroTimestamp', kind: 'timestamp', sent: '-499999', held: -499_999 },
  { unit: 'io.debezium.time.NanoTimestamp', kind: 'timestamp', sent: `${AT_US}000`, held: AT_US },
  { unit: 'io.debezium.time.ZonedTimestamp', kind: 'timestamp', sent: '"2026-01-01T01:02:03.123456Z"', held: AT_US },
  { unit: DECIMAL, kind: 'decimal', sent: '"MDk="', held: '123.45', parameters: { scale: '2' } },
  { unit: DECIMAL, kind: 'decimal', sent: '"/w=="', held: '-0.001', parameters: { scale: '3' } },
  { unit: DECIMAL, kind: 'decimal', sent: '"BQ=="', held: '500', parameters: { scale: '-2' } },
  { unit: 'io.debezium.data.VariableScaleDecimal', kind: 'decimal', sent: '{"scale":2,"value":"MDk="}', held: '123.45' },
];

describe('the units of Kafka Connect', () => {
  for (const { unit, kind, sent, held, parameters } of UNITS)
    it(`are the same by a push and by a message: ${unit} of ${sent} in t.${kind}`, () => {
      const schema = { type: 'struct', fields: [{ field: 'v', name: unit, ...(parameters === undefined ? {} : { parameters }) }] };
      const read = clientScalars[kind];
      const type = { kind, optional: true };
      const pushed = compileColumnUnits([{ name: 'v', type }], 'A')({ v: JSON.parse(sent) as unknown }, schema);
      expect(read((pushed as { readonly v: unknown }).v), 'pushed').to.deep.equal(held);
      const message = withoutSchema(parseExactJson(`{"schema":${JSON.stringify(schema)},"payload":{"v":${sent}}}`));
      expect(read(plain((message as { readonly v: unknown }).v, type)), 'of a topic').to.deep.equal(held);
    });
});
