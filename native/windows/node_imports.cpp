// Node's functions on Windows, found in the process that loads the addon.
//
// An import library would name node.exe, and Windows would look for a program of that name: Electron, packed applications and a
// renamed node would fail to load the addon. The compiler calls an imported function through the pointer __imp_<name>, so these
// pointers are defined here and filled before the module is registered. One that the host lacks stays null; the addon calls none that
// is newer than NAPI_VERSION.
#include <windows.h>

#include <iterator>

#define NODE_FUNCTION(name) extern "C" FARPROC __imp_##name = nullptr;
#include "node_functions.inc"
#undef NODE_FUNCTION

namespace {

struct NodeFunction {
  const char* name;
  FARPROC* pointer;
};

#define NODE_FUNCTION(name) {#name, &__imp_##name},
const NodeFunction kFunctions[] = {
#include "node_functions.inc"
};
#undef NODE_FUNCTION

/// The program itself exports them; where Node was built as a library, that does.
const bool kFound = [] {
  const HMODULE hosts[] = {GetModuleHandleW(nullptr), GetModuleHandleW(L"libnode.dll"), GetModuleHandleW(L"node.dll")};
  for (const NodeFunction& function : kFunctions) {
    for (const HMODULE* host = hosts; host != std::end(hosts) && *function.pointer == nullptr; ++host) {
      if (*host != nullptr) *function.pointer = GetProcAddress(*host, function.name);
    }
  }
  return true;
}();

}  // namespace
