"""System packages that pip cannot bring: found missing by trying, installed where that is possible.

Knows: which libraries, programs and fonts Qt, venv and the tests load, and the Debian package that holds each.
Must not know: anything about `.venv` or pip.

A library counts as present when the loader finds it, whatever the distribution. Where something is missing, a
Debian or Ubuntu machine on which we are root gets it installed; any other is told in one line.
"""

import ctypes
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import c_compiler


@dataclass(frozen=True)
class Need:
    """One thing a goal uses: how to see that it is there, the Debian package, and what stops without it."""

    package: str
    purpose: str
    is_present: Callable[[], bool]
    essential: bool


# Without these Qt's own libraries do not load at all (`ldd` of QtGui, QtWidgets, QtNetwork says so).
QT_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
}

# Qt's X11 plugin needs all of them; a Wayland session or an offscreen test needs none.
X11_LIBRARIES = {
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}

WAYLAND_LIBRARIES = {
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
}


def provide(goal: str) -> bool:
    """Find what the goal misses, install or name it; False when the goal cannot work without it."""
    if not sys.platform.startswith("linux"):
        return True
    missing = _missing(_needs(goal))
    if missing and _can_install():
        _install(missing)
        missing = _missing(_needs(goal))
    if missing:
        print(_apt_line(missing), file=sys.stderr)
    return not any(need.essential for need in missing)


def _needs(goal: str) -> list[Need]:
    # An essential need stops the set-up; the others only make something look or work worse.
    wayland = bool(os.environ.get("WAYLAND_DISPLAY"))
    needs = [
        Need(_venv_package(), "making the Python environment", _has_venv, essential=True),
        *_library_needs(QT_LIBRARIES, "the window", essential=True),
        *_library_needs(X11_LIBRARIES, "the window under X11", essential=goal == "run" and not wayland),
    ]
    if wayland:
        needs += _library_needs(WAYLAND_LIBRARIES, "the window under Wayland", essential=False)
    needs.append(Need("fonts-noto-cjk", "showing Chinese", _has_chinese_font, essential=False))
    if c_compiler.is_of_use():
        needs += _compiler_needs()
    if goal == "test":
        needs.append(_program_need("Xvfb", "xvfb", "testing the window on an X server", essential=False))
        needs.append(_program_need("strace", "strace", "testing that nothing uses the network", essential=False))
        if platform.machine() == "x86_64":
            emulator = "qemu-x86_64-static"
            needs.append(_program_need(emulator, "qemu-user-static", "testing older processors", essential=False))
        needs.append(_program_need("pdftotext", "poppler-utils", "reading exported PDF files back", essential=False))
    if goal == "test" and os.environ.get("CI"):  # half a gigabyte: a developer's machine is not asked for it
        needs.append(_program_need("epubcheck", "epubcheck", "checking exported books", essential=False))
        needs.append(
            _program_need("soffice", "libreoffice-writer-nogui", "reading exported documents back", essential=False)
        )
    if goal in ("test", "package"):
        needs.append(_program_need("objdump", "binutils", "packaging", essential=goal == "package"))
        needs.append(Need(_python_library_package(), "packaging", _has_python_library, essential=goal == "package"))
        needs.append(_program_need("xz", "xz-utils", "compressing the package", essential=False))
    return needs


def _missing(needs: list[Need]) -> list[Need]:
    return [need for need in needs if not need.is_present()]


def _library_needs(libraries: dict[str, str], purpose: str, essential: bool) -> list[Need]:
    return [
        Need(package, purpose, lambda name=library: _loads(name), essential) for library, package in libraries.items()
    ]


def _compiler_needs() -> list[Need]:
    purpose = "compiling the fast kernels"
    return [
        Need("gcc", purpose, lambda: c_compiler.command() is not None, essential=False),
        Need("libc6-dev", purpose, c_compiler.has_headers, essential=False),
    ]


def _program_need(program: str, package: str, purpose: str, essential: bool) -> Need:
    return Need(package, purpose, lambda: shutil.which(program) is not None, essential)


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _has_venv() -> bool:
    # In a child: a package installed a moment ago is seen, and Debian's half of ensurepip is told from a whole one.
    program = "import ensurepip, venv; ensurepip.version()"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0


def _venv_package() -> str:
    return f"python3.{sys.version_info.minor}-venv"


def _has_python_library() -> bool:
    """Whether Python exists as a shared library, which the packaged program carries: Debian keeps it apart."""
    name = sysconfig.get_config_var("INSTSONAME") or ""
    if ".so" not in name:  # this interpreter has it linked in, so the library has no name here
        name = f"libpython3.{sys.version_info.minor}.so.1.0"
    return _loads(name) or (Path(sys.base_prefix) / "lib" / name).exists()


def _python_library_package() -> str:
    return f"libpython3.{sys.version_info.minor}"


def _has_chinese_font() -> bool:
    """Ask fontconfig itself, as Qt does: `fc-list` may be absent where the library is not."""
    try:
        fontconfig = ctypes.CDLL("libfontconfig.so.1")
    except OSError:
        return False
    pointer = ctypes.c_void_p
    fontconfig.FcNameParse.restype = fontconfig.FcObjectSetCreate.restype = fontconfig.FcFontList.restype = pointer
    fontconfig.FcObjectSetAdd.argtypes = [pointer, ctypes.c_char_p]
    fontconfig.FcFontList.argtypes = [pointer, pointer, pointer]
    wanted = fontconfig.FcNameParse(b":lang=zh-cn")
    columns = fontconfig.FcObjectSetCreate()
    fontconfig.FcObjectSetAdd(columns, b"family")
    found = fontconfig.FcFontList(None, wanted, columns)
    # An FcFontSet begins with `int nfont`.
    return bool(found) and ctypes.cast(found, ctypes.POINTER(ctypes.c_int))[0] > 0


def _can_install() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def _install(missing: list[Need]) -> None:
    packages = _package_names(missing)
    print("installing system packages: " + " ".join(packages), flush=True)
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    if not _run_quietly(install):
        # A fresh container has no package lists, and old lists name files that are gone.
        _run_quietly(["apt-get", "update", "-qq"])
        if not _run_quietly(install):
            print("apt-get could not install them", file=sys.stderr)


def _run_quietly(command: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode == 0


def _apt_line(missing: list[Need]) -> str:
    purposes = ", ".join(dict.fromkeys(need.purpose for need in missing))
    packages = " ".join(_package_names(missing))
    return f"missing system packages (for {purposes}): sudo apt install {packages}"


def _package_names(missing: list[Need]) -> list[str]:
    return list(dict.fromkeys(need.package for need in missing))
