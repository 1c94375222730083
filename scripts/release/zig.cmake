# CMake toolchain of the published binaries: compiler, headers and C libraries of every platform from one zig.
#   ONNX_CAM_ZIG      the zig program
#   ONNX_CAM_TARGET   zig's name of the target, e.g. x86_64-linux-gnu.2.28
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ONNX_CAM_ZIG ONNX_CAM_TARGET)

string(REGEX MATCH "^([^-]+)-([a-z]+)" ONNX_CAM_MATCHED "${ONNX_CAM_TARGET}")
set(CMAKE_SYSTEM_PROCESSOR "${CMAKE_MATCH_1}")
set(ONNX_CAM_SYSTEM_linux Linux)
set(ONNX_CAM_SYSTEM_macos Darwin)
set(ONNX_CAM_SYSTEM_windows Windows)
set(CMAKE_SYSTEM_NAME "${ONNX_CAM_SYSTEM_${CMAKE_MATCH_2}}")

# Without an optimisation level zig adds UBSan, whose library it would have to build as well.
set(CMAKE_CXX_COMPILER "${ONNX_CAM_ZIG}" c++ -target "${ONNX_CAM_TARGET}" -fno-sanitize=undefined)
# Paths of this machine would come in through __FILE__.
set(CMAKE_CXX_FLAGS_INIT "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "-s")
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY NEVER)
