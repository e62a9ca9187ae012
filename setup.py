"""What pyproject.toml cannot hold of the distribution: own operators for ONNX Runtime, compiled from C.

Optional: without a C compiler, or on another machine, ONNX Runtime's own kernels serve. setuptools reads the same from
`[[tool.setuptools.ext-modules]]`, but calls that experimental at every build, and it knows no conditions.
Must not know: anything that pyproject.toml can say.
"""

import platform
import sys
from glob import glob

from setuptools import Extension, setup

OPERATORS = Extension(
    "engine.kernels._operators",
    sources=sorted(glob("engine/kernels/*.c")),
    depends=[*sorted(glob("engine/kernels/*.h")), "setup.py"],
    # Without -ffp-contract=off the compiler would fuse where it likes, and results would depend on it.
    extra_compile_args=["-std=gnu11", "-O3", "-ffp-contract=off", "-g0"],
    extra_link_args=["-s"],  # Python's own flags leave names for a debugger, nine tenths of the file
    optional=True,
)
HAS_OPERATORS = sys.platform == "linux" and platform.machine() == "x86_64"  # what the sources are written for

setup(ext_modules=[OPERATORS] if HAS_OPERATORS else [])
