/** Name of what is written to see that something can be: always the same, so that at most one is left where nobody may delete. */
export const PROBE = '.onnx-cam-probe';
