// A session that is neither used nor disposed must not keep the process alive; a run under way must.
import { createSession, runAdd, runSlow } from './engine.mjs';

const add = await createSession('add');
console.log([...(await runAdd(add))].join());
createSession('slow').then(session => runSlow(session)).then(() => console.log('finished'));
