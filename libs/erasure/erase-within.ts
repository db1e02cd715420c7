/** How long after an erasure its bytes may be in files, unless a deployment says otherwise (S26): 30 days, in microseconds. */
export const ERASE_WITHIN_US = 30 * 86_400e6;
