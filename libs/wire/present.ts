/** The object's members whose type admits undefined become optional, the others stay. */
type Present<T> = { readonly [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> } & {
  readonly [K in keyof T as undefined extends T[K] ? never : K]: T[K];
};

/** The object without its undefined members: what a message leaves unset is absent in plain data. */
export function present<T extends object>(members: T): Present<T> {
  // The cast says in types what the filter does to the value.
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Present<T>;
}

/** proto3 cannot tell an empty text from none, and no definition means the former. */
export function textIfAny(text: string): string | undefined {
  return text === '' ? undefined : text;
}
