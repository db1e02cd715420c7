// Limits of a module of definitions (DESIGN 11). They bound what a commit makes every process
// hold and compile; each is far above what a person writes by hand.

/** Names become parts of topics, of metrics and of Arrow columns. */
export const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

export const DATASETS_MAX = 1_000;
export const FEATURESETS_MAX = 1_000;
/** More than anybody mends before he asks again. Each may name the nearest of a thousand names. */
export const PROBLEMS_MAX = 200;
export const FIELDS_MAX = 512;
/** Keys are part of every store key: see GROUP_KEY_BYTES_MAX. */
export const KEYS_MAX = 8;
export const STEPS_MAX = 64;
export const INPUTS_MAX = 16;
export const AGGREGATIONS_MAX = 512;
export const FEATURES_MAX = 1_024;
export const EXTRACTORS_MAX = 512;
export const EXPECTATIONS_MAX = 256;
export const EXPRESSION_NODES_MAX = 1_000;
export const ENUM_VALUES_MAX = 1_000;
/** LastK: a list that long is one answer's worth of bytes. */
export const LAST_K_MAX = 1_000;
export const DESCRIPTION_LENGTH_MAX = 4_096;
export const TAGS_MAX = 64;
/** Protobuf holds versions and ids as uint32; they stay positive in every language this way. */
export const NUMBER_MAX = 2 ** 31 - 1;
