// process.exit while runs are under way and others wait.
import { createSession, runSlow, sleep } from './engine.mjs';

const session = await createSession('slow');
for (let i = 0; i < 6; i++) runSlow(session).catch(() => {});
await sleep(Number(process.argv[2]));
process.exit(7);
