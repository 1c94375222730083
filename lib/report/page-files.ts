import { reportPage } from '#package';
import { OnnxCamError } from '../common/errors.ts';
import type { PageFiles } from './html.ts';

/** The page's program and style. @throws `ERR_OUTPUT` where the package's folder lacks them */
export function pageFiles(): PageFiles {
  try {
    return { script: reportPage.script(), style: reportPage.style() };
  } catch (cause) {
    throw new OnnxCamError(
      'ERR_OUTPUT',
      'the page of reports (dist/web/page.js, dist/web/page.css) is missing in the onnx-cam package: install it again, in a checkout `npm run build`; what bundles the package has to copy the folder dist/web beside its own files',
      { cause },
    );
  }
}
