/** Of the package, which every process of it tells. */
export const VERSION = '0.1.0';
