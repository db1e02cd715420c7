import { useState } from 'preact/hooks';
import { Section } from '../parts.js';
import { sessionKey } from '../session.js';
import { LANGUAGES, textAs, type Language } from './copy-as.js';
import type { Subject } from './subject.js';

interface CopyAsProps {
  readonly subject: Subject;
  readonly atUs: number;
  readonly knownUs: number | undefined;
}

/** The question at the cursor, for a terminal or a program. */
export function CopyAs({ subject, atUs, knownUs }: CopyAsProps) {
  const [language, setLanguage] = useState<Language>('curl');
  const [copied, setCopied] = useState('');
  const text = textAs(language, { subject, atUs, knownUs, url: location.origin, hasKey: sessionKey() !== undefined });
  const copy = (): void =>
    void navigator.clipboard.writeText(text).then(
      () => setCopied(text),
      () => setCopied(''),
    );
  return (
    <Section
      title="Ask the same elsewhere"
      aside={
        <div class="spans" role="group" aria-label="Language">
          {LANGUAGES.map((one) => (
            <button key={one} type="button" aria-pressed={one === language} onClick={() => setLanguage(one)}>
              {one}
            </button>
          ))}
        </div>
      }
    >
      <div class="code">
        <pre tabIndex={0} aria-label={`The question for ${language}`}>
          {text}
        </pre>
        <button type="button" onClick={copy}>
          {copied === text ? 'Copied' : 'Copy'}
        </button>
      </div>
    </Section>
  );
}
