// Names of the registry as Python takes them: the same, or with a _ behind them where Python has another meaning for them.

const KEYWORDS = (
  'False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda ' +
  'nonlocal not or pass raise return try while with yield'
).split(' ');

/** What the client's own code, or an annotation, means by these. */
const BUILTINS = (
  'AssertionError AttributeError Exception KeyError OSError TypeError ValueError bool bytearray bytes dict enumerate float format getattr int ' +
  'isinstance len list min object range repr staticmethod str super tuple zip'
).split(' ');

/** Words of annotations, which a field of the same name would hide from those that come after it. */
const FIELD_WORDS = new Set([...KEYWORDS, 'bool', 'bytes', 'datetime', 'decimal', 'float', 'int', 'List', 'Literal', 'Optional', 'str']);

/** Names of a module. */
export class ModuleNames {
  readonly #taken: Set<string>;

  /** Those that `code`, which the names are written behind, has at its top level are taken. */
  constructor(code: string) {
    const declared = [...code.matchAll(/^(?:class |def )?([A-Za-z_]\w*)(?=[ (:=])/gm)].map(([, name = '']) => name);
    const imported = [...code.matchAll(/^(?:from \S+ )?import (.*)$/gm)].flatMap(([, names = '']) => names.split(/[ ,.]+/));
    this.#taken = new Set([...KEYWORDS, ...BUILTINS, ...declared, ...imported]);
  }

  /** A name that no other one was given. */
  take(wanted: string): string {
    const name = free(plain(wanted), this.#taken);
    this.#taken.add(name);
    return name;
  }
}

/** The attributes of a class called `owner` for fields of these names, in their order. */
export function attributesOf(owner: string, names: readonly string[]): readonly string[] {
  const taken = new Set(names.filter((name) => isPlain(owner, name)));
  return names.map((name) => {
    if (isPlain(owner, name)) return name;
    const attribute = free(`${plain(name)}_`, taken);
    taken.add(attribute);
    return attribute;
  });
}

/** The class of a struct is called as its owner and its field. */
function isPlain(owner: string, name: string): boolean {
  return !FIELD_WORDS.has(name) && !name.startsWith('__') && !name.startsWith(owner);
}

/** Within a class Python has names with two _ before them for itself. */
function plain(name: string): string {
  return name.replace(/^_+/, '_');
}

function free(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted;
  while (taken.has(name)) name += '_';
  return name;
}
