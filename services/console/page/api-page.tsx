import { useState } from 'preact/hooks';
import { ask } from './api.js';
import { useAsked } from './asked.js';
import { Problem, Table } from './parts.js';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
}

interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description?: string; readonly content?: Content }>>;
}

type Content = Readonly<Record<string, { readonly schema: unknown }>>;

interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** The description that the platform gives of its own API, to be searched and unfolded. */
export function ApiPage() {
  const [words, setWords] = useState('');
  const asked = useAsked((signal) => ask<OpenApi>('/openapi.json', { signal }), []);
  if (asked.kind === 'failed') return <Problem error={asked.error} />;
  if (asked.kind === 'waiting') return <p class="quiet">Reading …</p>;
  const { info, openapi, paths } = asked.value;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const found = operations.filter(({ path, method, operation }) => matches(`${method} ${path} ${operation.summary ?? ''}`, words));
  return (
    <>
      <h1>API</h1>
      <p class="quiet">
        {info.title} {info.version}, as <a href="/openapi.json">OpenAPI {openapi}</a> describes it.
      </p>
      <form class="ask" role="search" onSubmit={(event) => event.preventDefault()}>
        <label>
          <span>Search</span>
          <input type="search" value={words} onInput={(event) => setWords(event.currentTarget.value)} />
        </label>
      </form>
      <p class="quiet" role="status">
        {found.length} of {operations.length} operations
      </p>
      {found.map(({ path, method, operation }) => (
        <OperationDetail key={`${method} ${path}`} title={`${method} ${path}`} operation={operation} />
      ))}
    </>
  );
}

function matches(text: string, words: string): boolean {
  const lower = text.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => lower.includes(word));
}

/** What lies inside is made when it is unfolded: schemas are long. */
function OperationDetail({ title, operation }: { readonly title: string; readonly operation: Operation }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="operation" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <code>{title}</code> <span class="quiet">{operation.summary}</span>
      </summary>
      {isOpen && <Inside title={title} operation={operation} />}
    </details>
  );
}

function Inside({ title, operation }: { readonly title: string; readonly operation: Operation }) {
  const { description, parameters = [], requestBody, responses } = operation;
  return (
    <>
      {description !== undefined && <p>{description}</p>}
      {parameters.length > 0 && (
        <Table label={`Parameters of ${title}`} head={['Parameter', 'In', 'Needed', 'What it is']}>
          {parameters.map((parameter) => (
            <tr key={`${parameter.in} ${parameter.name}`}>
              <th scope="row">
                <code>{parameter.name}</code>
              </th>
              <td>{parameter.in}</td>
              <td>{parameter.required === true ? 'yes' : ''}</td>
              <td class="words">{parameter.description ?? ''}</td>
            </tr>
          ))}
        </Table>
      )}
      {requestBody !== undefined && <Schemas title="Body" content={requestBody.content} />}
      {Object.entries(responses).map(([status, { content = {} }]) => (
        <Schemas key={status} title={`Answer ${status}`} content={content} />
      ))}
    </>
  );
}

function Schemas({ title, content }: { readonly title: string; readonly content: Content }) {
  return (
    <>
      {Object.entries(content).map(([type, { schema }]) => (
        <div key={type}>
          <p class="quiet">
            {title}, <code>{type}</code>
          </p>
          <pre tabIndex={0} aria-label={`${title}, ${type}`}>
            {JSON.stringify(schema, null, 2)}
          </pre>
        </div>
      ))}
    </>
  );
}
