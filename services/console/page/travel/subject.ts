// Whose features are asked for, as a person filled it in.
import type { Feature, Featureset } from '../status.js';

export type Features = Readonly<Record<string, unknown>>;

export interface Subject {
  readonly featureset: string;
  /** As REST takes it: the key as text, or an object of its fields. */
  readonly entity: string | Readonly<Record<string, string>>;
  readonly inputs: Features;
}

/** Undefined while something that a question needs is not filled in; `missing` says what. */
export function subjectOf(
  { name, entity: keys, features }: Featureset,
  entity: ReadonlyMap<string, string>,
  inputs: ReadonlyMap<string, string>,
): { readonly subject?: Subject; readonly missing: readonly string[] } {
  const needed = features.filter(({ input, optional }) => input && !optional);
  const missing = [
    ...keys.filter((key) => (entity.get(key) ?? '') === ''),
    ...needed.flatMap((feature) => ((inputs.get(feature.name) ?? '') === '' ? [feature.name] : [])),
  ];
  if (missing.length > 0) return { missing };
  const [only = ''] = keys;
  const asked = keys.length === 1 ? (entity.get(only) ?? '') : Object.fromEntries(keys.map((key) => [key, entity.get(key) ?? '']));
  const given = features.flatMap((feature) => {
    const text = inputs.get(feature.name) ?? '';
    return feature.input && text !== '' ? [[feature.name, inputValue(feature, text)] as const] : [];
  });
  return { subject: { featureset: name, entity: asked, inputs: Object.fromEntries(given) }, missing };
}

/** In the input's type where the text is one; else as it stands, so that the platform's own refusal is shown. */
function inputValue({ dtype }: Feature, text: string): unknown {
  if (dtype === 'int' || dtype === 'float') return Number.isFinite(Number(text)) ? Number(text) : text;
  if (dtype === 'bool') return text === 'true' ? true : text === 'false' ? false : text;
  if (dtype === 'dict' || dtype.startsWith('list[')) return parsedOr(text);
  return text;
}

function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
