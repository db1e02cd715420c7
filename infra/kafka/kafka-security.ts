import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A broker's further listeners: one that asks for a password, one that speaks TLS as well, one that asks for a
 * certificate; and what passes them.
 */
export interface KafkaSecurity {
  /** The broker's certificate signs itself, so it is the authority too. */
  readonly caFile: string;
  /** Certificate and key in one file, as Kafka reads them. */
  readonly keyFile: string;
  /** The certificate of a client that the authority vouches for. */
  readonly clientCertificateFile: string;
  readonly clientKeyFile: string;
  readonly username: string;
  readonly password: string;
}

export interface SecurePorts {
  readonly saslPort: number;
  readonly tlsPort: number;
  /** Asks for the client's certificate, and for no password. */
  readonly mutualPort: number;
}

/** Makes the certificates. */
export async function prepareSecurity(folder: string): Promise<KafkaSecurity> {
  await mkdir(folder, { recursive: true });
  const [caFile, privateFile, keyFile] = ['ca.pem', 'private.pem', 'broker.pem'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '30',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=IP:127.0.0.1,DNS:localhost',
      '-keyout',
      privateFile,
      '-out',
      caFile,
    ],
    { stdio: 'ignore' },
  );
  await writeFile(keyFile, `${await readFile(privateFile, 'utf8')}${await readFile(caFile, 'utf8')}`, { mode: 0o600 });
  return { caFile, keyFile, ...clientCertificate(folder, { caFile, privateFile }), username: 'thyme', password: 'only-for-tests' };
}

function clientCertificate(
  folder: string,
  { caFile, privateFile }: { readonly caFile: string; readonly privateFile: string },
): Pick<KafkaSecurity, 'clientCertificateFile' | 'clientKeyFile'> {
  const [requestFile, clientKeyFile, clientCertificateFile] = ['client.csr', 'client-key.pem', 'client.pem'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  execFileSync('openssl', ['req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=thyme', '-keyout', clientKeyFile, '-out', requestFile], {
    stdio: 'ignore',
  });
  execFileSync(
    'openssl',
    [
      'x509',
      '-req',
      '-in',
      requestFile,
      '-CA',
      caFile,
      '-CAkey',
      privateFile,
      '-CAcreateserial',
      '-days',
      '30',
      '-out',
      clientCertificateFile,
    ],
    { stdio: 'ignore' },
  );
  return { clientCertificateFile, clientKeyFile };
}

/** How the storage is formatted: a password for SCRAM is kept there, and not in the configuration. */
export function scramArguments({ username, password }: KafkaSecurity): readonly string[] {
  return ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=${username},password=${password}]`]);
}

export function securityProperties({ caFile, keyFile, username, password }: KafkaSecurity): Readonly<Record<string, string>> {
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="${password}";`;
  return {
    ...Object.fromEntries(
      ['sasl', 'tls'].flatMap((listener) => [
        [`listener.name.${listener}.plain.sasl.jaas.config`, plain],
        [`listener.name.${listener}.scram-sha-256.sasl.jaas.config`, scram],
        [`listener.name.${listener}.scram-sha-512.sasl.jaas.config`, scram],
      ]),
    ),
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keyFile,
    'listener.name.mutual.ssl.client.auth': 'required',
    'listener.name.mutual.ssl.truststore.type': 'PEM',
    'listener.name.mutual.ssl.truststore.location': caFile,
  };
}
