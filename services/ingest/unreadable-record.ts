/** A record of a batch that is no JSON, or holds what JSON has no word for: refused alone, like one that does not fit. */
export class UnreadableRecord {
  constructor(
    /** As it was sent; empty where it was no text. */
    readonly text: string,
    readonly reason: string,
  ) {}
}
