import type { ExplanationEvent, ExplanationRequest, Interim, ServedExplanation } from '../../lib/serve/api.ts';
import { lost, request, ServeFault } from './server.ts';

/**
 * Asks for an explanation and waits for it.
 * @param signal stops the work
 * @throws ServeFault; and what `signal` says where it fires
 */
export async function explain(
  body: ExplanationRequest,
  { signal, heard }: { readonly signal: AbortSignal; readonly heard: (event: Interim) => void },
): Promise<ServedExplanation> {
  const response = await request('POST', 'api/explanations', { body, signal });
  try {
    for await (const line of lines(response.body!)) {
      signal.throwIfAborted();
      const event = JSON.parse(line) as ExplanationEvent;
      if (event.type === 'result') return event;
      if (event.type === 'error') throw new ServeFault(event.code, event.message);
      heard(event);
    }
  } catch (cause) {
    signal.throwIfAborted();
    throw cause instanceof ServeFault ? cause : lost(cause);
  }
  signal.throwIfAborted();
  throw lost();
}

async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const parts = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = parts.pop()!;
      yield* parts.filter(part => part !== '');
    }
  } finally {
    // Whoever stops listening ends the answer.
    reader.cancel().catch(() => {});
  }
  if (rest !== '') yield rest;
}
