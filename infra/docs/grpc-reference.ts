import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What the processes of a deployment say to one another alone. */
const INTERNAL = new Set(['thyme/v1/replication.proto', 'thyme/v1/state.proto']);

const IMAGE_BYTES_MAX = 64 * 1024 * 1024;

/** The members of a FileDescriptorSet in JSON that are read here. */
interface FileDescriptor {
  readonly name: string;
  readonly service?: readonly Service[];
  readonly messageType?: readonly Message[];
  readonly enumType?: readonly Enumeration[];
  readonly sourceCodeInfo?: { readonly location: readonly { readonly path?: readonly number[]; readonly leadingComments?: string }[] };
}
interface Service {
  readonly name: string;
  readonly method: readonly {
    readonly name: string;
    readonly inputType: string;
    readonly outputType: string;
    readonly clientStreaming?: boolean;
    readonly serverStreaming?: boolean;
  }[];
}
interface Message {
  readonly name: string;
  readonly field?: readonly {
    readonly name: string;
    readonly number: number;
    readonly type: string;
    readonly typeName?: string;
    readonly label?: string;
  }[];
  readonly nestedType?: readonly Message[];
  readonly enumType?: readonly Enumeration[];
  readonly options?: { readonly mapEntry?: boolean };
}
interface Enumeration {
  readonly name: string;
  readonly value: readonly { readonly name: string; readonly number: number }[];
}

/** Numbers of members in descriptor.proto, by which comments are found. */
const MESSAGE = 4;
const ENUM = 5;
const SERVICE = 6;
const FIELD = 2;
const METHOD = 2;
const NESTED = 3;
const NESTED_ENUM = 4;

/** Services, messages and enums with the comments of their protos. */
export async function grpcReference(): Promise<string> {
  const buf = ['build', 'proto', '-o', '-#format=json'];
  const { stdout } = await promisify(execFile)('node_modules/.bin/buf', buf, { maxBuffer: IMAGE_BYTES_MAX });
  const { file } = JSON.parse(stdout) as { readonly file: readonly FileDescriptor[] };
  const own = file.filter(({ name }) => name.startsWith('thyme/v1/') && !INTERNAL.has(name));
  const head = [
    '# gRPC reference',
    'Written from `proto/thyme/v1`, which is in the package; a deployment tells the same by reflection. [Clients](clients.md#grpc) says how code is generated. A key goes in as the metadata `authorization: Bearer KEY`.',
  ];
  return [...head, ...own.sort((a, b) => rank(a) - rank(b)).map(fileText)].join('\n\n') + '\n';
}

/** Files with services first. */
function rank({ service = [] }: FileDescriptor): number {
  return service.length > 0 ? 0 : 1;
}

function fileText(file: FileDescriptor): string {
  const comments = new Map(
    (file.sourceCodeInfo?.location ?? []).map(({ path = [], leadingComments = '' }) => [path.join('.'), prose(leadingComments)]),
  );
  const parts = [`## ${file.name}`];
  (file.service ?? []).forEach((service, i) => parts.push(serviceText(service, `${SERVICE}.${i}`, comments)));
  (file.messageType ?? []).forEach((message, i) => parts.push(...messageText(message, `${MESSAGE}.${i}`, comments)));
  (file.enumType ?? []).forEach((one, i) => parts.push(enumText(one, `${ENUM}.${i}`, comments)));
  return parts.join('\n\n');
}

type Comments = ReadonlyMap<string, string>;

function serviceText({ name, method }: Service, path: string, comments: Comments): string {
  const rows = method.map(({ name: rpc, inputType, outputType, clientStreaming, serverStreaming }, i) => {
    const [asks, answers] = [streamed(clientStreaming, inputType), streamed(serverStreaming, outputType)];
    return `| \`${rpc}\` | ${asks} | ${answers} | ${comments.get(`${path}.${METHOD}.${i}`) ?? ''} |`;
  });
  return [`### ${name}`, comments.get(path) ?? '', ['| method | asks | answers | what |', '|---|---|---|---|', ...rows].join('\n')].join(
    '\n\n',
  );
}

function streamed(isStream = false, type: string): string {
  return `${isStream ? 'stream of ' : ''}\`${shortName(type)}\``;
}

function messageText(message: Message, path: string, comments: Comments, owner = ''): readonly string[] {
  if (message.options?.mapEntry === true) return [];
  const { name, field = [], nestedType = [], enumType = [] } = message;
  const full = owner + name;
  const rows = field.map((one, i) => {
    const entry = nestedType.find(
      ({ name: nested, options }) => options?.mapEntry === true && one.typeName?.endsWith(`.${name}.${nested}`) === true,
    );
    const many = one.label === 'LABEL_REPEATED' && entry === undefined ? 'list of ' : '';
    const type =
      entry === undefined
        ? typeOf(one)
        : `map of \`${entry.field?.map((part) => typeOf(part).replaceAll('`', '')).join('\` to \`') ?? ''}\``;
    return `| \`${one.name}\` | ${one.number} | ${many}${type} | ${comments.get(`${path}.${FIELD}.${i}`) ?? ''} |`;
  });
  const table = rows.length === 0 ? 'No fields.' : ['| field | number | type | what |', '|---|---|---|---|', ...rows].join('\n');
  return [
    [`### ${full}`, comments.get(path) ?? '', table].filter((part) => part !== '').join('\n\n'),
    ...nestedType.flatMap((nested, i) => messageText(nested, `${path}.${NESTED}.${i}`, comments, `${full}.`)),
    ...enumType.map((one, i) => enumText(one, `${path}.${NESTED_ENUM}.${i}`, comments, `${full}.`)),
  ];
}

function enumText({ name, value }: Enumeration, path: string, comments: Comments, owner = ''): string {
  const rows = value.map((one, i) => `| \`${one.name}\` | ${one.number} | ${comments.get(`${path}.${FIELD}.${i}`) ?? ''} |`);
  const table = ['| value | number | what |', '|---|---|---|', ...rows].join('\n');
  return [`### ${owner}${name}`, comments.get(path) ?? '', table].filter((part) => part !== '').join('\n\n');
}

function typeOf({ type, typeName }: { readonly type: string; readonly typeName?: string }): string {
  return `\`${typeName === undefined ? type.replace('TYPE_', '').toLowerCase() : shortName(typeName)}\``;
}

function shortName(type: string): string {
  return type.replace(/^\.(thyme\.v1\.)?/, '');
}

function prose(comment: string): string {
  return comment
    .trim()
    .replace(/\s*\n\s*/g, ' ')
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;');
}
