// The manifests and the compose file say what the program understands, and what they refer to is there.
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { parse, parseAllDocuments } from 'yaml';
import { loadServeConfig, ROLES } from '../../services/program/serve-config.js';

interface Container {
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string }[];
  readonly resources?: { readonly requests?: object; readonly limits?: object };
  readonly startupProbe?: object;
  readonly readinessProbe?: object;
  readonly livenessProbe?: object;
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly serviceName?: string;
    readonly replicas?: number;
    readonly maxUnavailable?: number;
    readonly selector?: Readonly<Record<string, string>> & { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly template?: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: { readonly containers: readonly Container[] };
    };
    readonly ports?: readonly { readonly port: number }[];
  };
}

const FOLDER = 'infra/kubernetes';
const manifests = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.yaml'))
  .flatMap((name) => parseAllDocuments(readFileSync(`${FOLDER}/${name}`, 'utf8')).map((document) => document.toJS() as Manifest));
const workloads = manifests.filter(({ kind }) => kind === 'StatefulSet' || kind === 'Deployment');
const configMap = manifests.find(({ kind }) => kind === 'ConfigMap')?.data ?? {};
/** Files and secrets are not here; what they would hold is tested where they are read. */
const settings = Object.fromEntries(Object.entries(configMap).filter(([name]) => !name.startsWith('THYME_TLS_')));

function containerOf({ spec }: Manifest): Container {
  const [container] = spec?.template?.spec.containers ?? [];
  if (container === undefined) throw new Error('a workload without a container');
  return container;
}

describe('the Kubernetes manifests', () => {
  it('run every role once, with flags and variables that the program takes', () => {
    const roles = workloads.flatMap((workload) => {
      const { args, env = [] } = containerOf(workload);
      expect(args[0]).to.equal('serve');
      const config = loadServeConfig([...args.slice(1), '--insecure'], {
        ...settings,
        ...(env.some(({ name }) => name === 'THYME_ADVERTISE')
          ? { THYME_ADVERTISE: 'thyme-aggregator-0.thyme-aggregator.thyme.svc:50051' }
          : {}),
      });
      expect(config.kafka?.brokers).to.have.length(3);
      return [...config.roles];
    });
    expect(roles.sort()).to.deep.equal([...ROLES].sort());
  });

  it('set no variable that nothing reads', () => {
    const read = [
      'services/program/serve-config.ts',
      'services/program/access-config.ts',
      'libs/config/tls-files.ts',
      'libs/log/kafka/options.ts',
    ]
      .map((file) => readFileSync(file, 'utf8'))
      .join('\n');
    const names = [
      ...Object.keys(configMap),
      ...workloads.flatMap((workload) => (containerOf(workload).env ?? []).map(({ name }) => name)),
    ];
    expect(names.filter((name) => name.startsWith('THYME_') && !read.includes(`'${name}'`))).to.deep.equal([]);
  });

  it('keep state in StatefulSets, with a service that names their pods', () => {
    expect(workloads.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()).to.deep.equal([
      'Deployment thyme-gateway',
      'Deployment thyme-ingest',
      'Deployment thyme-query',
      'StatefulSet thyme-aggregator',
      'StatefulSet thyme-store-replica',
    ]);
    const services = manifests.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name);
    for (const { spec } of workloads) if (spec?.serviceName !== undefined) expect(services).to.include(spec.serviceName);
  });

  it('probe, limit and disrupt every workload with care, and reach it where it listens', () => {
    for (const workload of workloads) {
      const container = containerOf(workload);
      const { name } = workload.metadata;
      expect(container, name).to.include.keys('startupProbe', 'readinessProbe', 'livenessProbe', 'resources');
      const labels = workload.spec?.template?.metadata.labels;
      expect(workload.spec?.selector?.matchLabels, name).to.deep.equal(labels);
      expect(
        manifests.find(({ kind, metadata }) => kind === 'PodDisruptionBudget' && metadata.name === name)?.spec?.selector?.matchLabels,
        name,
      ).to.deep.equal(labels);
      const service = manifests.find(({ kind, metadata }) => kind === 'Service' && metadata.name === name);
      expect(service?.spec?.selector, name).to.deep.equal(labels);
      const ports = container.ports?.map(({ containerPort }) => containerPort) ?? [];
      for (const { port } of service?.spec?.ports ?? []) expect(ports, name).to.include(port);
    }
  });
});

describe('the compose file', () => {
  const { services } = parse(readFileSync('infra/compose.yaml', 'utf8'), { merge: true }) as {
    readonly services: Readonly<
      Record<string, { readonly command?: readonly string[]; readonly environment: Readonly<Record<string, string>> }>
    >;
  };

  it('runs roles that the program takes, on the Kafka beside them', () => {
    const roles = Object.values(services).flatMap(({ command, environment }) => {
      if (command === undefined) return [];
      const config = loadServeConfig(command.slice(1), environment);
      expect(config.kafka?.brokers).to.deep.equal(['kafka:19092']);
      return [...config.roles];
    });
    expect(roles.sort()).to.deep.equal(ROLES.filter((role) => role !== 'store-replica').sort());
    expect(services).to.include.keys('kafka');
  });
});
