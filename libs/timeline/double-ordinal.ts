const scratch = new Float64Array(1);
const scratchBits = new BigInt64Array(scratch.buffer);
const MAGNITUDE_BITS = 0x7fff_ffff_ffff_ffffn;

/** Doubles as integers in the same order, 1 apart for neighbours. */
export function toOrdinal(value: number): bigint {
  scratch[0] = value;
  const bits = scratchBits[0]!;
  return bits >= 0n ? bits : -(bits & MAGNITUDE_BITS);
}

/** The greatest double below this one. */
export function doubleBefore(value: number): number {
  return fromOrdinal(toOrdinal(value) - 1n);
}

export function fromOrdinal(ordinal: bigint): number {
  scratchBits[0] = ordinal >= 0n ? ordinal : -ordinal;
  return ordinal >= 0n ? scratch[0]! : -scratch[0]!;
}
