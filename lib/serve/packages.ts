import { OnnxCamError } from '../common/errors.ts';

const INSTALL = 'npm install fastify@5 @fastify/static@9 @fastify/multipart@10';

/** What serving needs and users install beside this package. @throws `ERR_USAGE` with the command that installs them */
export async function servePackages() {
  try {
    const [{ fastify }, { default: files }, { default: multipart }] = await Promise.all([
      import('fastify'),
      import('@fastify/static'),
      import('@fastify/multipart'),
    ]);
    return { fastify, files, multipart };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    const [reason] = (cause as Error).message.split('\n');
    throw new OnnxCamError(
      'ERR_USAGE',
      `onnx-cam serve needs packages that are installed for it alone: ${INSTALL} (${reason})`,
      { cause },
    );
  }
}
