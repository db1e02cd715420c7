/** Answers each message of the parent with the CPU time so far, µs; ends with the parent. */
export function tellCpu(): void {
  process.once('disconnect', () => process.exit(0));
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuUs: user + system });
  });
}
