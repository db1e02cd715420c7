// Loaded in front of the suites by `npm run test:fast`: each property runs as many inputs as half a second allows, and one at
// least. The library's own time limits fail a property that has none by then, and its number of runs stands in each test.
import fc from 'fast-check';

const PROPERTY_MS = 500;

/** What fast-check calls with each input: null for success, also in a promise. */
type Run = (this: object, ...given: unknown[]) => unknown;

function limit(prototype: { run: Run }): void {
  const { run } = prototype;
  const firstMs = new WeakMap<object, number>();
  /** These have failed, and are run as often as it takes to find the smallest input that fails. */
  const failed = new WeakSet();
  prototype.run = function (...given) {
    const nowMs = performance.now();
    const sinceMs = nowMs - (firstMs.get(this) ?? nowMs);
    if (!firstMs.has(this)) firstMs.set(this, nowMs);
    if (sinceMs > PROPERTY_MS && !failed.has(this)) return null;
    const note = (result: unknown): unknown => {
      if (result !== null) failed.add(this);
      return result;
    };
    const result = run.apply(this, given);
    return result instanceof Promise ? result.then(note) : note(result);
  };
}

for (const property of [fc.property(fc.nat(), () => true), fc.asyncProperty(fc.nat(), async () => true)]) {
  limit(Object.getPrototypeOf(property) as { run: Run }); // the classes are not exported
}
