/** The page of `onnx-cam serve`. */
export function ServeApp() {
  return <main />;
}
