import { createRequire } from 'node:module';
import type { SASLOptions } from 'kafkajs';

interface Authentication {
  readonly host: string;
  readonly port: number;
  readonly logger: object;
  readonly saslAuthenticate: (request: object) => Promise<unknown>;
}

type Provider = (authentication: Authentication) => { authenticate(): Promise<void> };

// Internal to kafkajs, as what driver.ts loads.
const load = createRequire(import.meta.url);

/** The name under which kafkajs says that a password is wrong, also when its question for it was cut off. */
const REFUSED_NAME = 'KafkaJSSASLAuthenticationError';

/**
 * A login that tells a lost connection from a wrong password: who lost the connection tries again, which a
 * broker that restarts asks of everybody, and who is refused does not.
 */
export function loginOf(sasl: SASLOptions): object {
  const file = { plain: 'plain', 'scram-sha-256': 'scram256', 'scram-sha-512': 'scram512' }[sasl.mechanism as string];
  if (file === undefined) return sasl;
  const provider = (load(`kafkajs/src/broker/saslAuthenticator/${file}`) as (sasl: SASLOptions) => Provider)(sasl);
  return { mechanism: sasl.mechanism, authenticationProvider: (authentication: Authentication) => tellingLogin(provider, authentication) };
}

function tellingLogin(provider: Provider, authentication: Authentication): ReturnType<Provider> {
  let asked: unknown;
  const login = provider({
    ...authentication,
    async saslAuthenticate(request) {
      try {
        return await authentication.saslAuthenticate(request);
      } catch (error) {
        asked = error;
        throw error;
      }
    },
  });
  return {
    async authenticate() {
      try {
        await login.authenticate();
      } catch (error) {
        throw asked instanceof Error && asked.name !== REFUSED_NAME && asked.name.startsWith('KafkaJSConnection') ? asked : error;
      }
    },
  };
}
