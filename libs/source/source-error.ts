import { ThymeError } from '../errors/errors.js';

/**
 * A source cannot go on. `retry`: the system may answer later, and the runner asks again with a growing pause. `stop`:
 * only a person can mend it (a table that is not there, a position that belongs to something else): the source stands
 * still, says so, and is tried again when its definition changes or it is resumed. Its words come from the connector
 * and the system, never from a secret.
 */
export class SourceError extends ThymeError {
  constructor(disposition: 'retry' | 'stop', code: `THYME_SOURCE_${string}`, message: string, options?: ErrorOptions) {
    super(code, disposition === 'retry' ? 'UNAVAILABLE' : 'FAILED_PRECONDITION', message, [], { ...options, disposition });
  }
}
