// Every number that bounds a query, with its reason.

/** 10,000 rows of some twenty features are about 4 MB of protobuf, what gRPC takes by default. */
export const BATCH_ENTITIES_MAX = 10_000;

/** S3: a timestamp further ahead of the server's clock is refused; less is two clocks that differ. */
export const TIMESTAMP_AHEAD_US_MAX = 60_000_000;

/** Questions of an offline query that are answered as one chunk: 256 of 40 µs hold the event loop for 10 ms. */
export const OFFLINE_CHUNK_ROWS = 256;

/** Rows of a batch that are answered in one synchronous block; larger ones hold snapshots and yield in between. */
export const BATCH_CHUNK_ROWS = 256;

/** Of one message of an offline query; the rest belongs into the next. */
export const OFFLINE_MESSAGE_QUESTIONS_MAX = 10_000;

export const INPUTS_MAX = 1_000;

/** How often a query that fails is begun again because of what an extractor turned out to look up. */
export const ATTEMPTS_MAX = 8;
