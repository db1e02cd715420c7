import { useState } from 'preact/hooks';
import { keepKey } from './session.js';

/** Where keys are required, all that is shown without one. */
export function KeyForm({ why, onKey }: { readonly why: string | undefined; readonly onKey: () => void }) {
  const [key, setKey] = useState('');
  const submit = (event: Event): void => {
    event.preventDefault();
    if (key.trim() === '') return;
    keepKey(key.trim());
    onKey();
  };
  return (
    <main class="gate">
      <h1>Thyme asks for a key</h1>
      {why !== undefined && (
        <p class="note warning" role="alert">
          {why}
        </p>
      )}
      <form onSubmit={submit}>
        <label for="key">API key</label>
        <input
          id="key"
          type="password"
          autocomplete="off"
          spellcheck={false}
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
        />
        <button type="submit">Use this key</button>
      </form>
      <p class="quiet">
        Scope <code>read</code> is enough to look. It is kept for this tab alone. <code>npx thyme keys create web --scopes read</code> makes
        one; the link that <code>npm start</code> prints brings its own.
      </p>
    </main>
  );
}
