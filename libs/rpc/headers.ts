/** Says, between our own processes, the fingerprint of the key that the first caller used. */
export const FINGERPRINT_HEADER = 'thyme-api-key-fingerprint';
