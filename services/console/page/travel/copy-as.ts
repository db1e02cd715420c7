// The question at the cursor, to be pasted elsewhere. What comes from users is quoted for the language that it goes into.
import { exactBody } from './question.js';
import type { Subject } from './subject.js';

export const LANGUAGES = ['curl', 'CLI', 'TypeScript', 'Python'] as const;
export type Language = (typeof LANGUAGES)[number];

export interface Copied {
  readonly subject: Subject;
  readonly atUs: number;
  readonly knownUs: number | undefined;
  /** Of the platform. */
  readonly url: string;
  /** Whether this page sends one: then the text has a place for it, never the key itself. */
  readonly hasKey: boolean;
}

export function textAs(language: Language, copied: Copied): string {
  switch (language) {
    case 'curl':
      return curlText(copied);
    case 'CLI':
      return cliText(copied);
    case 'TypeScript':
      return typeScriptText(copied);
    case 'Python':
      return pythonText(copied);
  }
}

function curlText({ subject, atUs, knownUs, url, hasKey }: Copied): string {
  const key = hasKey ? ' -H "authorization: Bearer $THYME_API_KEY"' : '';
  return `curl -sS ${shell(`${url}/features`)} -H 'content-type: application/json'${key} \\\n  -d ${shell(JSON.stringify(exactBody(subject, atUs, knownUs)))}`;
}

function cliText({ subject, atUs, knownUs, url }: Copied): string {
  const { featureset, entity, inputs } = subject;
  const { timestamp, known_at } = exactBody(subject, atUs, knownUs);
  const key =
    typeof entity === 'string'
      ? entity
      : Object.entries(entity)
          .map(([name, value]) => `${name}=${value}`)
          .join(',');
  const parts = ['npx thyme query', shell(featureset), '-e', shell(key), '--at', timestamp];
  if (known_at !== undefined) parts.push('--known-at', known_at);
  if (Object.keys(inputs).length > 0) parts.push('--inputs', shell(JSON.stringify(inputs)));
  return `THYME_API_URL=${shell(url)} ${parts.join(' ')}`;
}

function typeScriptText({ subject, atUs, knownUs, url, hasKey }: Copied): string {
  const { featureset, entity, inputs } = subject;
  const { timestamp, known_at } = exactBody(subject, atUs, knownUs);
  const options = {
    timestamp,
    ...(known_at === undefined ? {} : { knownAt: known_at }),
    ...(Object.keys(inputs).length === 0 ? {} : { inputs }),
  };
  const key = hasKey ? ', apiKey: process.env.THYME_API_KEY' : '';
  return [
    "import { ThymeClient } from 'thyme/client';",
    `import { ${featureset} } from './features.js';`,
    '',
    `const thyme = new ThymeClient({ apiUrl: ${JSON.stringify(url)}${key} });`,
    `const { features } = await thyme.query(${featureset}, ${JSON.stringify(entity)}, ${JSON.stringify(options)});`,
  ].join('\n');
}

function pythonText({ subject, atUs, knownUs, url, hasKey }: Copied): string {
  const headers = hasKey
    ? '{"content-type": "application/json", "authorization": "Bearer " + os.environ["THYME_API_KEY"]}'
    : '{"content-type": "application/json"}';
  return [
    `import json, ${hasKey ? 'os, ' : ''}urllib.request`,
    '',
    // JSON within a text of Python: JSON's escapes are Python's too.
    `question = ${JSON.stringify(JSON.stringify(exactBody(subject, atUs, knownUs)))}`,
    `request = urllib.request.Request(${JSON.stringify(`${url}/features`)}, question.encode(), ${headers})`,
    'print(json.load(urllib.request.urlopen(request))["features"])',
  ].join('\n');
}

/** In single quotes, unless there is nothing in it that a shell could mean. */
function shell(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
