// The platforms that binaries are published for, as `process.platform`-`process.arch`.
//   target   zig's name of it, with the oldest C library or system that the binary may need
//   file     in prebuilds/<platform>, as package-files.js names it
//   cuda     whether the kernels for GPUs are linked in
export const PLATFORMS = {
  'linux-x64': { target: 'x86_64-linux-gnu.2.28', file: 'onnx-cam.glibc.node', cuda: true },
  'linux-arm64': { target: 'aarch64-linux-gnu.2.28', file: 'onnx-cam.glibc.node', cuda: false },
  'darwin-arm64': { target: 'aarch64-macos.14.0', file: 'onnx-cam.node', cuda: false },
  'win32-x64': { target: 'x86_64-windows-gnu', file: 'onnx-cam.node', cuda: false },
  'win32-arm64': { target: 'aarch64-windows-gnu', file: 'onnx-cam.node', cuda: false },
};
