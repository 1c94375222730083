/** Of node:timers/promises, which lib/common/slices.ts lets the page breathe with. */
export function setImmediate(): Promise<void> {
  return new Promise(resolve => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
