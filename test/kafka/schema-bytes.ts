// Avro and Protobuf by hand, for messages of tests: what the connector reads them with is not what writes them.

export function avroLong(value: bigint): Buffer {
  return varint(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)));
}

export function avroText(text: string): Buffer {
  return avroBytes(Buffer.from(text));
}

export function avroBytes(bytes: Buffer): Buffer {
  return Buffer.concat([avroLong(BigInt(bytes.length)), bytes]);
}

export function protoNumber(field: number, value: bigint): Buffer {
  return Buffer.concat([varint(BigInt(field) << 3n), varint(BigInt.asUintN(64, value))]);
}

export function protoBytes(field: number, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([varint((BigInt(field) << 3n) | 2n), varint(BigInt(bytes.length)), bytes]);
}

/** Behind the id of its schema. */
export function framed(id: number, ...parts: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(id, 1);
  return Buffer.concat([head, ...parts]);
}

/** Registers the schema; resolves to its id. */
export async function registerSchema(url: string, subject: string, schema: string | object, more: object = {}): Promise<number> {
  const body = JSON.stringify({ schema: typeof schema === 'string' ? schema : JSON.stringify(schema), ...more });
  const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
  const response = await fetch(`${url}/subjects/${subject}/versions`, { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`the registry refuses ${subject}: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { readonly id: number }).id;
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    if (rest <= 0x7fn) return Buffer.from(bytes);
  }
}
