// What the binaries of each system may be, by what scripts/release/describe.py reads of them.

/** "2.14" is less than "2.3". */
const compareVersions = (a, b) => a.localeCompare(b, 'en', { numeric: true });
const GLIBC = '2.28';
const MACOS = '14.0.0';

export const FORMATS = {
  linux: {
    machine: { x64: 'X86_64', arm64: 'AARCH64' },
    mayNeed: [/^lib(c|m|pthread|dl|rt)\.so\.\d$/, /^ld-linux-(x86-64|aarch64)\.so\.\d$/],
    check(facts, fault) {
      const versions = facts.versions.map(version => version.replace('GLIBC_', '')).sort(compareVersions);
      const strange = versions.filter(version => !/^[\d.]+$/.test(version));
      const highest = versions.at(-1);
      if (strange.length > 0) fault(`needs the symbol versions ${strange.join(', ')}`);
      else if (compareVersions(highest, GLIBC) > 0) fault(`needs glibc ${highest}; ${GLIBC} is promised`);
      if (facts.executableStack) fault('asks for an executable stack');
      if (facts.writableCode) fault('has code that can be written to');
      if (!facts.relro) fault('its tables stay writable (no GNU_RELRO)');
      if (!facts.noDelete) fault('can be unloaded under its threads (no NODELETE)');
      if (facts.symbols > 0) fault('is not stripped');
      facts.floor = `glibc ${highest}`;
    },
  },
  darwin: {
    machine: { arm64: 'ARM64' },
    // zig's linker shows these whatever it is told. dyld lets every library share the process's first operators new and delete,
    // which are malloc and free here as there.
    mayExport: symbol => symbol === '_mh_dylib_header' || symbol === '__dso_handle' || /^_Z(n|d)[wla]/.test(symbol),
    mayNeed: [/^\/usr\/lib\/libSystem\.B\.dylib$/],
    check(facts, fault) {
      if (compareVersions(facts.minimumSystem, MACOS) > 0)
        fault(`needs macOS ${facts.minimumSystem}; ${MACOS} is promised`);
      if (!facts.signed) fault('has no signature: Apple’s processors run no code without one');
      facts.floor = `macOS ${facts.minimumSystem}`;
    },
  },
  win32: {
    machine: { x64: 'AMD64', arm64: 'ARM64' },
    // Node's functions come from the process that loads the addon, whatever its name (native/windows/node_imports.cpp).
    mayNeed: [/^kernel32\.dll$/i, /^api-ms-win-crt-[a-z]+-l1-1-0\.dll$/],
    check(facts, fault) {
      for (const flag of ['DYNAMIC_BASE', 'HIGH_ENTROPY_VA', 'NX_COMPAT']) {
        if (!facts.flags.includes(flag)) fault(`has not the flag ${flag}`);
      }
      facts.floor = 'Windows 10';
    },
  },
};
