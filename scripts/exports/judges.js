import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const path = name => fileURLToPath(new URL(name, import.meta.url));

/**
 * What there is to judge exports with: ONNX' own checker, ONNX Runtime in Python (the current one and an old one), in WebAssembly,
 * and OpenVINO.
 * @param pythons.current has onnx, onnxruntime and openvino
 * @param pythons.old has an old onnxruntime; without one it is left out
 */
export async function startJudges({ current, old }) {
  const commands = {
    check: [current, path('judge.py'), 'check'],
    onnxruntime: [current, path('judge.py'), 'onnxruntime'],
    ...(old && { 'onnxruntime old': [old, path('judge.py'), 'onnxruntime'] }),
    'onnxruntime-web': [process.execPath, path('judge.js')],
    openvino: [current, path('judge.py'), 'openvino'],
  };
  return Promise.all(Object.entries(commands).map(([name, command]) => startJudge(name, command)));
}

/** A process that answers a line with a line; one that dies is started anew for the next question. */
async function startJudge(kind, [file, ...args]) {
  let child;
  let lines;
  const start = async () => {
    child = spawn(file, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const first = await lines.next();
    if (first.done) throw new Error(`${kind} does not start: ${file} ${args.join(' ')}`);
    return JSON.parse(first.value).version;
  };
  const version = await start();
  return {
    kind,
    name: `${kind.replace(' old', '')} ${version}`,
    async ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const answer = await lines.next();
      if (!answer.done) return JSON.parse(answer.value);
      await start();
      return { error: 'the process died' };
    },
    stop: () => child.stdin.end(),
  };
}
