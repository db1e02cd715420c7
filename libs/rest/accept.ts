interface Range {
  readonly type: string;
  readonly quality: number;
}

/** Media ranges of a header that are looked at; a client's list has two or three. */
const RANGES_MAX = 20;

/** Whether the client takes any of the types; it takes all where it says nothing. Parameters of an offered type do not count. */
export function isAcceptable(accept: string | undefined, offered: readonly string[]): boolean {
  if (accept === undefined || accept === '*/*' || accept.trim() === '') return true;
  const ranges = parseAccept(accept);
  return offered.some((type) => (qualityOf(type.split(';', 1)[0] ?? type, ranges)?.quality ?? 0) > 0);
}

/**
 * The offered type that the client prefers (RFC 9110, 12.5.1): by quality, then by the order in which
 * the client names them. The first offered where it accepts anything; one that takes nothing of what is offered is
 * refused before (isAcceptable).
 */
export function preferredType<Type extends string>(accept: string | undefined, offered: readonly [Type, ...Type[]]): Type {
  const ranges = parseAccept(accept ?? '');
  let best: { readonly type: Type; readonly quality: number; readonly rank: number } | undefined;
  for (const type of offered) {
    const found = qualityOf(type, ranges);
    if (found === undefined || found.quality === 0) continue;
    if (best === undefined || found.quality > best.quality || (found.quality === best.quality && found.rank < best.rank))
      best = { type, ...found };
  }
  return best?.type ?? offered[0];
}

/** Gives the quality of the most specific range that covers the type; its rank is its place in the client's list. */
function qualityOf(type: string, ranges: readonly Range[]): { readonly quality: number; readonly rank: number } | undefined {
  const family = `${type.slice(0, type.indexOf('/'))}/*`;
  for (const pattern of [type, family, '*/*']) {
    const rank = ranges.findIndex((range) => range.type === pattern);
    const range = ranges[rank];
    // Wildcards name nobody: what is named with the same quality goes before.
    if (range !== undefined) return { quality: range.quality, rank: pattern === type ? rank : RANGES_MAX };
  }
  return undefined;
}

function parseAccept(header: string): readonly Range[] {
  return header.split(',', RANGES_MAX).map((part) => {
    const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    const quality = q === undefined ? 1 : /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(q) ? Number(q) : 0;
    return { type, quality };
  });
}
