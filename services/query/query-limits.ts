// Every number that bounds a query, with its reason.

/** As OpenAPI says; the published client sends all it has at once (REST 10). Their keys and inputs are some 50 MB while they wait. */
export const BATCH_ENTITIES_MAX = 100_000;

/** Questions of a training set that are held until all of them are judged: the same, since the gateway takes no more in one request. */
export const OFFLINE_HELD_QUESTIONS_MAX = 100_000;

/**
 * Bytes of rows that are evaluated in one block, and of one message of an answer (a single row may be larger). gRPC buffers 16 messages
 * on either side, so that a slow reader holds some 32 MB, however wide the rows are.
 */
export const ANSWER_CHUNK_BYTES = 1024 * 1024;

/** How large a row is taken to be that an extractor still works at, before the first is there: a full block of them is one chunk. */
export const PENDING_ROW_BYTES_MIN = 4 * 1024;

/**
 * Bytes of a batch's rows that are held back before the first is sent: what fails until then is told by a status, and
 * can be asked again.
 */
export const BATCH_HELD_BYTES = 8 * ANSWER_CHUNK_BYTES;

/** Bytes of a batch that is answered by one message, or replayed; below the 33 MiB that our gRPC takes, since sizes are estimates. */
export const WHOLE_ANSWER_BYTES_MAX = 24 * 1024 * 1024;

/** S3: a timestamp further ahead of the server's clock is refused; less is two clocks that differ. */
export const TIMESTAMP_AHEAD_US_MAX = 60_000_000;

/** Questions of an offline query that are answered as one chunk: 256 of 40 µs hold the event loop for 10 ms. */
export const OFFLINE_CHUNK_ROWS = 256;

/** Rows of a batch that are answered in one synchronous block; larger ones hold snapshots and yield in between. */
export const BATCH_CHUNK_ROWS = 256;

/** Questions in one message of an offline query; the rest belongs into the next. */
export const OFFLINE_MESSAGE_QUESTIONS_MAX = 10_000;

export const INPUTS_MAX = 1_000;

/** How often a query that fails is begun again because of what an extractor turned out to look up. */
export const ATTEMPTS_MAX = 8;

/** Rows of a window in one page, when the caller does not say, and at most: a page is read in one block of the event loop. */
export const LISTED_ROWS_DEFAULT = 50;
export const LISTED_ROWS_MAX = 200;

/** Entities in one page, when the caller does not say, and at most: 10,000 of the longest keys are 10 MiB. */
export const LISTED_ENTITIES_DEFAULT = 1_000;
export const LISTED_ENTITIES_MAX = 10_000;
/** Groups that one page looks at, where others have told their entities: some 50 ms, in the turns of the store. */
export const LOOKED_AT_ENTITIES_MAX = 20_000;
/** Instants of one lookup over time: what one turn of the event loop may read of long answers, so that all are of one tick (S15). */
export const LOOKUP_INSTANTS_MAX = 256;
