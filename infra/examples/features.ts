// The examples in one module: what `npm start` commits.
export * from './flights.js';
export * from './fraud.js';
