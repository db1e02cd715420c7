import { collectDefinitions, datasetNameOf } from '../definition/collect.js';
import { Decimal } from '../definition/decimal.js';
import { evaluateBundle } from '../definition/evaluate-bundle.js';
import type { Revision } from '../definition/revision.js';
import type { AuthorModule } from './revision-plans.js';

/** Revisions in use at a time are few; an evicted module is evaluated again. */
const MODULES_KEPT_MAX = 16;

/** Evaluates bundles, each content once: most commits change definitions, not code. Runs operator-trusted code (DESIGN 8). */
export class AuthorModules {
  readonly #modules = new Map<string, AuthorModule>();

  readonly evaluate = ({ bundle }: Revision): AuthorModule => {
    let module = this.#modules.get(bundle.sha256);
    if (module === undefined) {
      const { functions } = collectDefinitions(evaluateBundle(bundle.code));
      module = { functions, datasetNameOf, decimal: Decimal };
      const [oldest] = this.#modules.keys();
      if (oldest !== undefined && this.#modules.size >= MODULES_KEPT_MAX) this.#modules.delete(oldest);
      this.#modules.set(bundle.sha256, module);
    }
    return module;
  };
}
