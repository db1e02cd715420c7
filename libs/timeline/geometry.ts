/**
 * How many rows and entries a page holds. Read from here by writers only: what is stored says its
 * own sizes, so these may change between releases without rewriting anything.
 */
export interface Geometry {
  /** An append rewrites the head, so its size is the cost of writing. At this many rows it spills into the tree. */
  readonly headRows: number;
  /** The cost of reading an edge of a window. A multiple of `headRows` lets appends fill leaves to the brim. */
  readonly leafRows: number;
  /** Entries of an inner page. */
  readonly fanOut: number;
}

export const PRODUCTION_GEOMETRY: Geometry = { headRows: 64, leafRows: 128, fanOut: 16 };

/**
 * Values that may wait beside the digest of a page for it to be made anew. Reading adds them to a window's raw values, which may come
 * from some thirty pages: more of them, and reading pays for what writing saves.
 */
export const LATE_VALUES_MAX = 64;

/**
 * The share of a digest's values that may be taken out before it is made anew (S9): its buckets are bounded by its weight, so
 * by then they are too heavy by as much at most.
 */
export const TAKEN_OUT_SHARE_MAX = 1 / 16;

/** Percentiles of windows with at most this many values are exact (S9): gathering more raw values costs more than adding digests. */
export const RAW_VALUES_MAX = 2_000;
