import { AUTHORIZATION, connection, faultOf, lost, request, ServeFault } from './server.ts';

export interface UploadHooks {
  readonly signal: AbortSignal;
  /** Bytes that have gone. */
  readonly sent: (bytes: number) => void;
}

/**
 * Sends files in one go.
 * @returns what the server says of them
 * @throws ServeFault; and what `signal` says where it fires
 */
export async function upload<T>(path: string, files: readonly File[], { signal, sent }: UploadHooks): Promise<T> {
  signal.throwIfAborted();
  const form = new FormData();
  for (const file of files) form.append('file', file, file.name);
  // fetch doesn't say how much of a body has gone.
  const ask = new XMLHttpRequest();
  const abort = () => ask.abort();
  signal.addEventListener('abort', abort);
  try {
    await new Promise<void>((resolve, reject) => {
      ask.upload.onprogress = event => sent(event.loaded);
      ask.onload = () => resolve();
      ask.onerror = () => reject(new Error());
      ask.onabort = () => reject(signal.reason);
      ask.open('POST', path);
      ask.setRequestHeader('authorization', AUTHORIZATION);
      ask.send(form);
    });
  } catch {
    signal.throwIfAborted();
    throw await whyBroken(files);
  } finally {
    signal.removeEventListener('abort', abort);
  }
  if (ask.status < 200 || ask.status > 299) throw faultOf(ask.status, ask.responseText);
  connection.value = 'fine';
  try {
    return JSON.parse(ask.responseText);
  } catch (cause) {
    throw lost(cause);
  }
}

/** A broken upload has no answer: the server is gone, has closed the connection on it, or a file can't be read. */
async function whyBroken(files: readonly File[]): Promise<ServeFault> {
  for (const file of files)
    if (!(await isReadable(file)))
      return new ServeFault(null, `the browser can't read ${file.name}: was it moved, or is it a folder?`);
  try {
    await request('GET', 'api/state');
    return new ServeFault(null, 'the server ended the upload before it was whole');
  } catch (fault) {
    return fault instanceof ServeFault ? fault : lost(fault);
  }
}

async function isReadable(file: File): Promise<boolean> {
  return file
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    );
}
