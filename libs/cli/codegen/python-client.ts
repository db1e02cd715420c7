import type { Field, ValueType } from '../../schema/value-type.js';
import type { Committed, CommittedDataset, CommittedFeatureset, CommittedField } from './committed.js';
import { attributesOf, ModuleNames } from './python-names.js';
import { textOf } from './typescript-client.js';

/**
 * A module that asks and pushes by REST: `runtime`, the text of infra/templates/python/thyme_client.py, and behind it a class for
 * the rows of each featureset and dataset and a constant of its name, by which ThymeClient's methods are typed.
 */
export function pythonClient({ revision, featuresets, datasets }: Committed, runtime: string): string {
  const module = new PythonModule(runtime);
  for (const featureset of featuresets) module.addFeatureset(featureset);
  for (const dataset of datasets) module.addDataset(dataset);
  const head = `# Made by \`thyme codegen python\` from revision ${revision.id} (${revision.createdAt}): make it again rather than change it.`;
  return `${[`${head}\n${runtime.trimEnd()}`, ...module.parts].join('\n\n\n')}\n`;
}

interface Declared {
  readonly name: string;
  readonly description: string;
}

/** A class of rows, inputs or keys as it was written. */
interface Written {
  readonly name: string;
  /** The list of its `_Field`s. */
  readonly fields: string;
}

class PythonModule {
  readonly parts: string[] = [];
  readonly #names: ModuleNames;
  /** Of the featureset or dataset that is being written: a feature that is an input has one class for its struct. */
  readonly #structs = new Map<string, Written>();

  constructor(runtime: string) {
    this.#names = new ModuleNames(runtime);
  }

  addFeatureset({ entity, features, ...declared }: CommittedFeatureset): void {
    this.#structs.clear();
    const constant = this.#names.take(declared.name);
    const row = this.#addClass(`${declared.name}Row`, { ...declared, fields: features });
    const key = this.#addKey(declared, entity, features);
    const inputs = features.filter(({ input }) => input);
    if (inputs.length === 0) {
      this.#addConstant(constant, declared, `Featureset[${row.name}, ${key.name}]`, [row.name, key.fields, row.fields]);
      return;
    }
    const description = `Request-time inputs of ${declared.name}.`;
    const sent = this.#addClass(`${declared.name}Inputs`, { ...declared, description, fields: inputs });
    const made = `FeaturesetWithInputs[${row.name}, ${key.name}, ${sent.name}]`;
    this.#addConstant(constant, declared, made, [row.name, key.fields, row.fields, sent.fields]);
  }

  addDataset({ keys, fields, isAggregated, ...declared }: CommittedDataset): void {
    this.#structs.clear();
    const constant = this.#names.take(declared.name);
    const row = this.#addClass(`${declared.name}Row`, { ...declared, fields });
    const key = this.#addKey(declared, keys, fields);
    const made = `${isAggregated ? 'Aggregated' : 'Dataset'}[${row.name}, ${key.name}]`;
    this.#addConstant(constant, declared, made, [row.name, key.fields, row.fields]);
  }

  #addConstant(constant: string, { name }: Declared, made: string, parameters: readonly string[]): void {
    this.parts.push(`${constant} = ${made}(\n${[textOf(name), ...parameters].map((one) => `    ${one},\n`).join('')})`);
  }

  /** The key's own type where it is one field, a class of several otherwise. */
  #addKey({ name }: Declared, keys: readonly string[], fields: readonly CommittedField[]): Written {
    const parts = keys.flatMap((key) => fields.find((field) => field.name === key) ?? []);
    const [only, ...others] = parts;
    if (only === undefined || others.length > 0)
      return this.#addClass(`${name}Key`, { name, description: `The key of ${name}.`, fields: parts });
    return this.#typesOf(name, parts, ({ name: type, fields: list }) => ({ name: type[0] ?? '', fields: list }));
  }

  /** `owner.name` leads the names of the classes of its structs. */
  #addClass(wanted: string, owner: Declared & { readonly fields: readonly CommittedField[] }): Written {
    const { description, fields } = owner;
    const name = this.#names.take(wanted);
    return this.#typesOf(owner.name, fields, ({ name: types, fields: list, attributes }) => {
      const members = fields.flatMap((field, i) => [...note(field.description), `    ${attributes[i] ?? ''}: ${types[i] ?? ''}`]);
      this.parts.push(['@dataclass(frozen=True)', `class ${name}:`, ...docstring(description), ...members].join('\n'));
      return { name, fields: list };
    });
  }

  /** Writes the classes of structs first, which the one that has them names. */
  #typesOf(
    owner: string,
    fields: readonly Field[],
    use: (types: { readonly name: readonly string[]; readonly fields: string; readonly attributes: readonly string[] }) => Written,
  ): Written {
    const attributes = attributesOf(
      owner,
      fields.map(({ name }) => name),
    );
    const types = fields.map(({ name, type }) => this.#typeOf(owner + pascal(name), type));
    const list = fields.map(({ name }, i) => `_Field(${textOf(name)}, ${textOf(attributes[i] ?? '')}, ${types[i]?.value ?? ''})`);
    return use({ name: types.map(({ annotation }) => annotation), fields: `[${list.join(', ')}]`, attributes });
  }

  /** How it is annotated, and the `_Type` that reads and writes it. */
  #typeOf(wanted: string, type: ValueType): { readonly annotation: string; readonly value: string } {
    const present = this.#presentType(wanted, type);
    const parameters = [textOf(type.kind), ...(type.optional ? ['True'] : []), ...present.parameters];
    return { annotation: type.optional ? `Optional[${present.annotation}]` : present.annotation, value: `_Type(${parameters.join(', ')})` };
  }

  #presentType(wanted: string, type: ValueType): { readonly annotation: string; readonly parameters: readonly string[] } {
    switch (type.kind) {
      case 'enum':
        return { annotation: `Literal[${type.values.map(textOf).join(', ')}]`, parameters: [] };
      case 'list': {
        const of = this.#typeOf(wanted, type.of);
        return { annotation: `List[${of.annotation}]`, parameters: [`of=${of.value}`] };
      }
      case 'struct': {
        const fields = type.fields.map((field) => ({ ...field, description: '' }));
        const written = this.#structs.get(wanted) ?? this.#addClass(wanted, { name: wanted, description: '', fields });
        this.#structs.set(wanted, written);
        const { name, fields: list } = written;
        return { annotation: name, parameters: [`members=${list}`, `make=${name}`] };
      }
      default:
        return { annotation: ANNOTATIONS[type.kind], parameters: [] };
    }
  }
}

const ANNOTATIONS = {
  string: 'str',
  int: 'int',
  float: 'float',
  bool: 'bool',
  bytes: 'bytes',
  timestamp: 'datetime.datetime',
  date: 'datetime.date',
  decimal: 'decimal.Decimal',
};

function pascal(name: string): string {
  return name
    .split('_')
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1))
    .join('');
}

function docstring(description: string): readonly string[] {
  const text = description.trim();
  // A quotation mark at the end would join those that close it.
  return text === ''
    ? []
    : [
        `    """${text
          .replaceAll('\\', '\\\\')
          .replaceAll('"', '\\"')
          .split(/\r\n|[\r\n]/)
          .join('\n    ')}"""`,
        '',
      ];
}

function note(description: string): readonly string[] {
  const text = description.trim();
  return text === '' ? [] : text.split(/[\r\n\f\v\x1c-\x1e\x85\u2028\u2029]+/).map((line) => `    #: ${line.trim()}`);
}
