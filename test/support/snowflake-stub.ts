// Answers as the service gives them and its driver reads them.
import type { JsonAnswer, JsonRequest } from './json-server.js';

export function isLogin({ path }: JsonRequest): boolean {
  return path.includes('login-request');
}

export function sqlOf({ path, body }: JsonRequest): string {
  return path.includes('query-request') ? (body as { readonly sqlText: string }).sqlText : '';
}

export function loggedIn(): JsonAnswer {
  return {
    body: {
      success: true,
      data: { token: 'a', masterToken: 'b', validityInSeconds: 3600, masterValidityInSeconds: 14_400, parameters: [], sessionInfo: {} },
    },
  };
}

export function failed(code: string, sqlState: string, message: string): JsonAnswer {
  return { body: { success: false, code, message, data: { errorCode: code, sqlState, type: 'ERROR', queryId: 'q' } } };
}

/** Values of those types, as text. */
export function rows(types: readonly string[], rowset: readonly (readonly (string | null)[])[]): JsonAnswer {
  const rowtype = types.map((type, i) => ({ name: `C${i}`, type, nullable: true, scale: type === 'fixed' ? 0 : 9, precision: 38 }));
  const data = {
    rowtype,
    rowset,
    total: rowset.length,
    returned: rowset.length,
    queryResultFormat: 'json',
    queryId: 'q',
    parameters: [],
    statementTypeId: 4_096,
    version: 1,
  };
  return { body: { success: true, data } };
}
