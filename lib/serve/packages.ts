import { OnnxCamError } from '../common/errors.ts';
import { optionalPackage } from '../common/optional-package.ts';

const INSTALL = 'npm install fastify@5 @fastify/static@9 @fastify/multipart@10';

/** What serving needs and users install beside this package. @throws `ERR_USAGE` with the command that installs them */
export function servePackages() {
  return optionalPackage(
    async () => {
      const [{ fastify }, { default: files }, { default: multipart }] = await Promise.all([
        import('fastify'),
        import('@fastify/static'),
        import('@fastify/multipart'),
      ]);
      return { fastify, files, multipart };
    },
    (reason, cause) =>
      new OnnxCamError(
        'ERR_USAGE',
        `onnx-cam serve needs packages that are installed for it alone: ${INSTALL} (${reason})`,
        { cause },
      ),
  );
}
