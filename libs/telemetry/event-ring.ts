import type { Clock } from '../time/clock.js';

export type EventSeverity = 'info' | 'warning' | 'error';

/** Something an operator wants to know of, as `/api/v1/events` shows it. */
export interface PlatformEvent {
  readonly id: string;
  /** Such as `commit`, `push_refused`. */
  readonly eventType: string;
  readonly severity: EventSeverity;
  /** The service that tells it. */
  readonly source: string;
  /** What it is about: a dataset, a pipeline, a revision. */
  readonly subject: string;
  readonly message: string;
  readonly detail: Readonly<Record<string, string | number | boolean>>;
  readonly createdUs: number;
}

export interface EventFilter {
  readonly limit: number;
  readonly severity?: EventSeverity;
  readonly eventType?: string;
  readonly subject?: string;
}

/** Events kept: a day of a quiet deployment, an hour of a busy one, and 1 MB at most. */
const EVENTS_MAX = 1_000;

/** The newest events of this process; older ones fall out. They are for people: nothing decides by them. */
export class EventRing {
  readonly #events: PlatformEvent[] = [];
  readonly #clock: Clock;
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  record(event: Omit<PlatformEvent, 'id' | 'createdUs'>): void {
    this.#count += 1;
    this.#events.push({ ...event, id: String(this.#count), createdUs: this.#clock.nowUs() });
    if (this.#events.length > EVENTS_MAX) this.#events.shift();
  }

  /** Newest first. */
  list({ limit, severity, eventType, subject }: EventFilter): readonly PlatformEvent[] {
    const found: PlatformEvent[] = [];
    for (let i = this.#events.length - 1; i >= 0 && found.length < limit; i--) {
      const event = this.#events[i];
      if (event === undefined) continue;
      if (severity !== undefined && event.severity !== severity) continue;
      if (eventType !== undefined && event.eventType !== eventType) continue;
      if (subject !== undefined && event.subject !== subject) continue;
      found.push(event);
    }
    return found;
  }
}
