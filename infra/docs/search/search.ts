// The search of the documentation, in the browser. It asks nothing of the platform: its index is a module beside it, which is loaded
// when somebody first searches. Everything is reached by keyboard: `/` leads here, arrows through what was found, Escape back.
import MiniSearch, { type SearchResult } from 'minisearch';
import { SEARCH_OPTIONS, type Section } from './section.js';

const RESULTS_MAX = 12;
const SNIPPET_CHARACTERS = 160;

const form = element('#search', HTMLFormElement);
const input = element('#search input', HTMLInputElement);
const list = element('#found', HTMLUListElement);
const state = element('#search-state', HTMLElement);
const INDEX = new URL('search-index.js', import.meta.url).href;

let loading: Promise<MiniSearch<Section>> | undefined;

/** A file that did not come is asked for again at the next letter. */
function index(): Promise<MiniSearch<Section>> {
  return (loading ??= (import(INDEX) as Promise<{ readonly default: Parameters<typeof MiniSearch.loadJS>[0] }>).then(
    ({ default: made }) => MiniSearch.loadJS<Section>(made, SEARCH_OPTIONS),
    (error: unknown) => {
      loading = undefined;
      throw error;
    },
  ));
}

async function search(): Promise<void> {
  const asked = input.value.trim();
  if (asked === '') {
    show([], 'Type a word, a rule (S24) or a code (THYME_…).');
    return;
  }
  const found = await index().then(
    (made) => made.search(asked),
    () => undefined,
  );
  if (asked !== input.value.trim()) return; // more was typed meanwhile
  if (found === undefined) show([], 'The index could not be loaded. Type on to try again.');
  else if (found.length === 0) show([], `Nothing says “${asked}”. Try fewer words, or the beginning of one.`);
  else
    show(found.slice(0, RESULTS_MAX), found.length > RESULTS_MAX ? `The best ${RESULTS_MAX} of ${found.length}` : `${found.length} found`);
}

function show(found: readonly SearchResult[], said: string): void {
  state.textContent = said;
  list.replaceChildren(...found.map(item));
  form.classList.add('open');
}

function close(): void {
  form.classList.remove('open');
}

/** Text alone, never HTML. */
function item({ id, title, heading, text, terms }: SearchResult): HTMLLIElement {
  const link = document.createElement('a');
  link.href = new URL(String(id), import.meta.url).href;
  link.append(
    part('strong', String(heading)),
    part('span', heading === title ? '' : String(title)),
    part('small', snippet(String(text), terms)),
  );
  const li = document.createElement('li');
  li.append(link);
  return li;
}

function part(tag: 'strong' | 'span' | 'small', text: string): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

/** The text around the first of the words that were found. */
function snippet(text: string, terms: readonly string[]): string {
  const places = terms.map((term) => text.toLowerCase().indexOf(term.toLowerCase())).filter((place) => place >= 0);
  const start = Math.max(0, Math.min(...places, text.length) - SNIPPET_CHARACTERS / 3);
  const from = places.length === 0 || start < 1 ? 0 : text.indexOf(' ', start) + 1;
  const end = text.length - from <= SNIPPET_CHARACTERS ? text.length : text.lastIndexOf(' ', from + SNIPPET_CHARACTERS);
  return `${from > 0 ? '… ' : ''}${text.slice(from, end)}${end < text.length ? ' …' : ''}`;
}

/** The field, and behind it the links that were found. */
function step(by: 1 | -1): void {
  const stops: readonly HTMLElement[] = [input, ...list.querySelectorAll('a')];
  const here = stops.findIndex((stop) => stop === document.activeElement);
  stops[Math.min(Math.max(here + by, 0), stops.length - 1)]?.focus();
}

form.addEventListener('keydown', (event) => {
  if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    event.preventDefault();
    step(event.key === 'ArrowDown' ? 1 : -1);
  } else if (event.key === 'Escape') {
    input.focus();
    close();
  } else if (event.key === 'Enter' && event.target === input) {
    event.preventDefault();
    list.querySelector('a')?.click();
  }
});
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || event.target === input) return;
  event.preventDefault();
  input.focus();
});
form.addEventListener('focusout', ({ relatedTarget }) => {
  if (!(relatedTarget instanceof Node) || !form.contains(relatedTarget)) close();
});
input.addEventListener('focus', () => void search());
input.addEventListener('input', () => void search());
form.hidden = false; // without this script there is nothing that it could do

function element<E extends HTMLElement>(selector: string, kind: new () => E): E {
  const found = document.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`the page has no ${selector}`);
  return found;
}
