// What connectors are written with that are not part of Thyme: `import { ... } from 'thyme/connector'`. A module of one exports
// an OwnConnector by default; the processes of a deployment, and the command line, load those that THYME_CONNECTORS names.
import { registerConnector, type ConnectorRules } from '../definition/connectors.js';
import type { Clock } from '../time/clock.js';
import type { Connector } from './connector.js';

export { UnreadableRow } from './connector.js';
export type { BatchLimits, Connector, JsonValue, SourceBatch, SourceLag, SourceReader, SourceRow, SourceTest } from './connector.js';
export { SourceError } from './source-error.js';
export { textParameter, type SourceSettings } from './source-settings.js';
export type { Clock, ConnectorRules };

/** What a connector's module exports by default. */
export interface OwnConnector {
  /** As definitions name it: `connector('feed', 'poll', { url })`. */
  readonly name: string;
  /** What a commit checks of it. */
  readonly rules: ConnectorRules;
  create(clock: Clock): Connector;
}

const added = new Map<string, OwnConnector>();

/** Makes it known to this process. Throws RangeError where its name is taken. */
export function addConnector(own: OwnConnector): void {
  registerConnector(own.name, own.rules);
  added.set(own.name, own);
}

/** Those that were added. */
export function ownConnectors(): readonly OwnConnector[] {
  return [...added.values()];
}
