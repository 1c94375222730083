// What the runtime does with a handler: import it, call it with an event.
const { handler } = await import('./handler.mjs');
console.log(JSON.stringify(await handler({})));
process.exit();
