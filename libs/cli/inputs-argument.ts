import { UsageError } from './command.js';

/** One object for all, or for several entities a list with one for each. */
export function inputsOf(text: string, count: number): object {
  let inputs: unknown;
  try {
    inputs = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--inputs: this is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof inputs !== 'object' || inputs === null || (Array.isArray(inputs) && count === 1))
    throw new UsageError(`--inputs: write an object of inputs by name, such as '{"cart_total": 900}'`);
  return inputs;
}
