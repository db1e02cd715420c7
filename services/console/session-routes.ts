import { invalidArgument } from '../../libs/errors/errors.js';
import { parseObject } from '../../libs/rest/json-scan.js';
import { encodeJson } from '../../libs/rest/json-text.js';
import { refuseUnknown } from '../../libs/rest/known-names.js';
import { answerSchema, JSON_TYPE, jsonResponse, requestSchema, type Route } from '../../libs/rest/route.js';
import { formatTimestamp } from '../../libs/time/timestamp.js';
import { LINK_LENGTH, type ConsoleSessions } from './console-sessions.js';

/** `{"link": "43 characters"}`, and some white space. */
const EXCHANGE_BYTES_MAX = 128;

const EXPIRES = { type: 'string', format: 'date-time' } as const;
const LINK_SCHEMA = { type: 'string', description: 'A token that is exchanged once.' } as const;
const EXCHANGE_SCHEMA = requestSchema({ link: LINK_SCHEMA }, ['link']);
const NOTHING = requestSchema({});

/** How a browser comes by a key: who is admin asks for a link, and the page that opens it exchanges it. */
export function sessionRoutes(sessions: ConsoleSessions): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/api/v1/console/links',
      scope: 'admin',
      summary: 'Makes a link to the web console that can be opened once, within an hour: append it to the address as `#link=LINK`.',
      body: { bytesMax: 1_024, wayOut: 'it takes no input', types: [JSON_TYPE], schema: NOTHING },
      answers: { [JSON_TYPE]: answerSchema({ link: LINK_SCHEMA, expires_at: EXPIRES }) },
      handle({ body }) {
        if (body.length > 0) membersOf(body, []);
        const { link, expiresUs } = sessions.makeLink();
        return jsonResponse(encodeJson({ link, expires_at: formatTimestamp(expiresUs) }));
      },
    },
    {
      method: 'POST',
      path: '/api/v1/console/sessions',
      // What it asks for is in its body: the link, which is as long and as random as a key.
      scope: 'public',
      summary: 'Exchanges a link for a key of scope admin, which ends with the process or after twelve hours.',
      body: {
        bytesMax: EXCHANGE_BYTES_MAX,
        wayOut: 'it takes the link alone, without the address before it',
        types: [JSON_TYPE],
        schema: EXCHANGE_SCHEMA,
      },
      answers: { [JSON_TYPE]: answerSchema({ key: { type: 'string' }, expires_at: EXPIRES }) },
      handle({ body }) {
        const link = membersOf(body, ['link']).get('link');
        if (typeof link !== 'string' || link.length !== LINK_LENGTH)
          throw invalidArgument('link', `is not one: send the ${LINK_LENGTH} characters behind #link=`);
        const { key, expiresUs } = sessions.exchange(link);
        return jsonResponse(encodeJson({ key, expires_at: formatTimestamp(expiresUs) }));
      },
    },
  ];
}

function membersOf(body: Uint8Array, known: readonly string[]): ReadonlyMap<string, unknown> {
  const members = parseObject(body);
  refuseUnknown(members.keys(), { kind: 'member', known });
  return members;
}
