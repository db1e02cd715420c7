// The key is kept for this tab alone, in sessionStorage, and sent by the page's own requests. A cookie would be sent to every
// server on this machine, whatever its port, and by requests that the page did not make.

const STORED_AS = 'thyme key';

export function sessionKey(): string | undefined {
  return sessionStorage.getItem(STORED_AS) ?? undefined;
}

export function keepKey(key: string): void {
  sessionStorage.setItem(STORED_AS, key);
}

export function forgetKey(): void {
  sessionStorage.removeItem(STORED_AS);
}

/** Exchanges the link in the address, and takes it out of there; gives why it could not be, in the platform's words. */
export async function openLink(): Promise<string | undefined> {
  const link = /^#link=([\w-]+)$/.exec(location.hash)?.[1];
  if (link === undefined) return undefined;
  history.replaceState(null, '', location.pathname);
  const response = await fetch('/api/v1/console/sessions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ link }),
    credentials: 'omit',
  });
  const answer = (await response.json()) as { readonly key?: string; readonly detail?: string };
  if (answer.key === undefined) return answer.detail ?? 'the link was refused';
  keepKey(answer.key);
  return undefined;
}
