const NEWLINE = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;

/**
 * Whether JSON text, or lines of it, holds more values than `max`: each comma, bracket and line begins one. Counted on the
 * bytes, before any is made: an empty object is three of them, and fifty once it is parsed.
 */
export function exceedsValues(json: Uint8Array, max: number): boolean {
  let values = 0;
  for (let at = 0; at < json.length && values <= max; at++) {
    switch (json[at]) {
      case QUOTE:
        at = stringEnd(json, at);
        break;
      case COMMA:
      case OPEN_BRACKET:
      case OPEN_BRACE:
      case NEWLINE:
        values++;
        break;
    }
  }
  return values > max;
}

/** The closing quote of the string that opens at `start`, or what comes before the end of its line. */
function stringEnd(json: Uint8Array, start: number): number {
  for (let at = start + 1; at < json.length; at++) {
    if (json[at] === BACKSLASH) at++;
    else if (json[at] === QUOTE) return at;
    else if (json[at] === NEWLINE) return at - 1;
  }
  return json.length;
}
