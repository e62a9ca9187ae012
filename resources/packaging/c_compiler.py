"""The C compiler for the fast kernels in `engine/kernels`: whether there is one, and whether it can compile.

For: the set-up's packages and its environment. Knows: where Python's build tools look for a compiler.
Must not know: what is compiled, or who installs a compiler.
"""

import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig

COMMON_NAMES = ("gcc", "cc")  # the sources choose instruction sets by pragmas that clang does not know
# Of the C library and of the compiler itself.
HEADERS = b"#include <stdlib.h>\n#include <immintrin.h>\n"


def is_of_use() -> bool:
    """Whether the kernels are written for this machine at all."""
    return sys.platform == "linux" and platform.machine() == "x86_64"


def command() -> str | None:
    """The compiler's command line: the one asked for by `CC`, else the one that made Python, else a common one."""
    asked = os.environ.get("CC", "").strip()
    names = (asked,) if asked else (sysconfig.get_config_var("CC") or "", *COMMON_NAMES)
    return next((name for name in names if name and shutil.which(shlex.split(name)[0])), None)


def has_headers() -> bool:
    """Whether the compiler finds the C library's headers, which are a package of their own."""
    found = command()
    if found is None:
        return False
    check = [*shlex.split(found), "-E", "-x", "c", "-"]
    try:
        return subprocess.run(check, input=HEADERS, capture_output=True, check=False).returncode == 0
    except OSError:  # there, but no program of this machine
        return False
