/** A value that its field's type cannot be made of, though the column's can: its row is a dead letter. */
export class DecodeError extends Error {}
