// The attacker's process: runs the attack that its parent names, says what it saw, and ends.
import type { Attack, Target } from './attack.js';

interface Order {
  readonly module: string;
  readonly name: string;
  readonly target: Target;
}

process.once('message', (order: Order) => {
  void (async () => {
    const attacks = (await import(order.module)) as Readonly<Record<string, Attack | undefined>>;
    const attack = attacks[order.name];
    if (attack === undefined) throw new Error(`no attack is called ${order.name}`);
    process.send?.('ready');
    const findings = await attack(order.target);
    process.send?.(findings, () => process.exit(0));
  })();
});
