import type { Store } from '../../libs/store/store.js';

/** A store in memory is its disk, too: it outlives the one who worked on it. */
export function unclosed(store: Store): Store {
  return new Proxy(store, {
    get(target, property) {
      if (property === 'close') return () => Promise.resolve();
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
