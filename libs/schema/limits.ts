// What a value may measure (DESIGN 11). Refused at the door, so that nothing behind it meets more.

/** Bytes of a text in UTF-8, and of a bytes value. One record then fits a log message with room to spare. */
export const TEXT_BYTES_MAX = 65_536;
export const BYTES_LENGTH_MAX = 65_536;

/** Elements of one list. */
export const LIST_LENGTH_MAX = 10_000;

/** Lists and structs within one another. Readers and writers recurse by type, so this bounds their stack too. */
export const TYPE_DEPTH_MAX = 16;

/** Digits of a decimal, both sides of the point together: `1e999999999` must not become a gigabyte of zeros. */
export const DECIMAL_DIGITS_MAX = 100;
