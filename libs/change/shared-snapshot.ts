import assert from 'node:assert';
import type { StoreSnapshot } from '../store/store.js';

/** A snapshot with several holders, closed when the last of them lets go. */
export class SharedSnapshot {
  readonly #snapshot: StoreSnapshot;
  #holders = 0;

  constructor(snapshot: StoreSnapshot) {
    this.#snapshot = snapshot;
  }

  /** A snapshot for one more holder, who closes it once. */
  hold(): StoreSnapshot {
    this.#holders++;
    let held = true;
    return {
      get: (key) => this.#snapshot.get(key),
      close: () => {
        assert(held, 'a snapshot is closed once');
        held = false;
        this.#holders--;
        if (this.#holders === 0) this.#snapshot.close();
      },
    };
  }
}
