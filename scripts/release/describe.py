"""What a binary is made of, as JSON for scripts/check-binaries.js: `python describe.py FILE`.

format, machine, exports, needs (libraries), imports (symbols by library, where the format says so), and what the format has
of its own: symbol versions and segments of ELF, minimum system and signature of Mach-O, flags of PE.
"""

import json
import sys

import lief


def elf(binary):
    # UND entries carry the library's version they ask for: memcpy@GLIBC_2.14.
    versions = {
        auxiliary.name
        for requirement in binary.symbols_version_requirement
        for auxiliary in requirement.get_auxiliary_symbols()
    }
    stack = [s for s in binary.segments if s.type == lief.ELF.Segment.TYPE.GNU_STACK]
    writable = [s for s in binary.segments if s.has(lief.ELF.Segment.FLAGS.W) and s.has(lief.ELF.Segment.FLAGS.X)]
    dynamic = {str(e.tag).split(".")[-1]: int(e.value) for e in binary.dynamic_entries}
    return {
        "format": "ELF",
        "machine": binary.header.machine_type.name,
        "exports": [s.name for s in binary.exported_symbols],
        "needs": list(binary.libraries),
        "imports": [s.name for s in binary.imported_symbols if s.name],
        "versions": sorted(versions),
        "executableStack": not stack or any(s.has(lief.ELF.Segment.FLAGS.X) for s in stack),
        "writableCode": len(writable) > 0,
        "relro": any(s.type == lief.ELF.Segment.TYPE.GNU_RELRO for s in binary.segments),
        "noDelete": bool(dynamic.get("FLAGS_1", 0) & 0x8),
        "symbols": len(binary.symtab_symbols),
    }


def macho(fat):
    (binary,) = fat
    minimum = binary.build_version.minos if binary.has_build_version else binary.version_min.version
    return {
        "format": "Mach-O",
        "machine": binary.header.cpu_type.name,
        "exports": [s.name.removeprefix("_") for s in binary.exported_symbols],
        "needs": [library.name for library in binary.libraries][0 if binary.header.file_type.name == "BUNDLE" else 1 :],
        "imports": [s.name.removeprefix("_") for s in binary.imported_symbols],
        "minimumSystem": ".".join(str(part) for part in minimum),
        "signed": binary.has_code_signature and binary.code_signature.data_size > 0,
    }


def pe(binary):
    characteristics = {c.name for c in binary.optional_header.dll_characteristics_lists}
    exports = binary.get_export()
    return {
        "format": "PE",
        "machine": binary.header.machine.name,
        "exports": [entry.name for entry in exports.entries] if exports else [],
        "needs": [library.name for library in binary.imports] + [library.name for library in binary.delay_imports],
        "imports": [entry.name for library in binary.imports for entry in library.entries],
        "flags": sorted(characteristics),
        "timestamp": binary.header.time_date_stamps,
    }


lief.logging.disable()  # it remarks on what zig's linker leaves out
path = sys.argv[1]
binary = lief.parse(path) if not lief.is_macho(path) else lief.MachO.parse(path)
read = {lief.ELF.Binary: elf, lief.PE.Binary: pe, lief.MachO.FatBinary: macho}
if type(binary) not in read:
    sys.exit(f"{path} is none of ELF, PE and Mach-O")
json.dump(read[type(binary)](binary), sys.stdout)
