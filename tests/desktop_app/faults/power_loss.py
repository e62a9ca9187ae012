"""What a disk may hold after the power went: a model over the writes that an operation was seen to do.

    strace → steps (write, truncate, create, rename, unlink, mkdir, sync, "confirmed") → states(steps, seed) → folders

The model is a pessimist's. Bytes that no fsync of their file followed: each 512-byte sector is there or not, by itself.
Names that no fsync of their folder followed: of the changes to one folder a prefix is there (a journal keeps order), or
in every second state any of them (no journal), as long as each can be done at all. What was synced is there.

Knows: system calls as strace prints them. Must not know: what an operation should leave behind.
"""

import ast
import os
import random
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.desktop_app.faults.operations import Operation
from tests.desktop_app.faults.tracing import Tracer

SECTOR_BYTES = 512
RECORDED = "trace=openat,write,pwrite64,fsync,fdatasync,rename,unlink,ftruncate,mkdir"
STRACE = ["-y", "-xx", "-s", "100000000", "-e", RECORDED]
_CALL = re.compile(r"^(?:\[pid +\d+\] )?(?P<name>[a-z0-9_]+)\((?P<arguments>.*)\) += (?P<result>-?\d+)")
_DESCRIPTOR = re.compile(r"^(?P<number>\d+)<(?P<path>.*?)>")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True)
class Step:
    """One change, in order: `kind` is write, truncate, create, rename, unlink, mkdir, sync or sync_folder."""

    kind: str
    inode: int = 0
    path: str = ""
    target: str = ""
    offset: int = 0
    data: bytes = b""


@dataclass
class Folder:
    """A small file system: names to inodes, inodes to bytes, and folders."""

    names: dict[str, int] = field(default_factory=dict)
    contents: dict[int, bytearray] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, folder: Path) -> "Folder":
        """What lies in a folder now. Symbolic links are followed by nobody: they are not changed by any operation."""
        found = cls(folders={str(folder)})
        for path in sorted(folder.rglob("*")):
            if path.is_dir():
                found.folders.add(str(path))
            elif not path.is_symlink():
                found.contents[len(found.names) + 1] = bytearray(path.read_bytes())
                found.names[str(path)] = len(found.names) + 1
        return found

    def copy(self) -> "Folder":
        contents = {inode: bytearray(data) for inode, data in self.contents.items()}
        return Folder(dict(self.names), contents, set(self.folders))

    def apply_data(self, step: Step) -> None:
        """A write or a truncation."""
        data = self.contents.setdefault(step.inode, bytearray())
        end = step.offset + len(step.data)
        if step.kind == "truncate":
            del data[step.offset :]
            data.extend(bytes(step.offset - len(data)))
            return
        data.extend(bytes(max(0, end - len(data))))
        data[step.offset : end] = step.data

    def apply_name(self, step: Step) -> bool:
        """A change of names; False where it cannot be, because one that it builds on is not there."""
        if step.kind == "mkdir":
            self.folders.add(step.path)
        elif step.kind == "create":
            if os.path.dirname(step.path) not in self.folders:
                return False
            self.names[step.path] = step.inode
            self.contents.setdefault(step.inode, bytearray())
        elif step.kind == "unlink":
            return self.names.pop(step.path, None) is not None
        else:
            if step.path not in self.names:
                return False
            self.names[step.target] = self.names.pop(step.path)
        return True

    def lay_out(self, old: Path, new: Path) -> None:
        """Write it as real files, the names moved from one folder to another."""
        for folder in sorted(self.folders):
            (new / Path(folder).relative_to(old)).mkdir(parents=True, exist_ok=True)
        for name, inode in self.names.items():
            path = new / Path(name).relative_to(old)
            if path.parent.is_dir():
                path.write_bytes(self.contents[inode])


class Recording:
    """The steps of one operation, read from strace's lines."""

    def __init__(self, before: Folder, root: Path, trace: str) -> None:
        self.before = before
        self.steps: list[Step] = []
        self._root = str(root)
        self._names = dict(before.names)
        self._positions: dict[str, int] = {}  # by descriptor number: where a plain write goes
        for line in trace.splitlines():
            if match := _CALL.match(line):
                self._take(match["name"], match["arguments"], int(match["result"]), line)

    def _take(self, name: str, arguments: str, result: int, line: str) -> None:
        reader = getattr(self, f"_on_{name}", None)
        if reader is not None and result >= 0:
            reader(arguments, result, line)

    def _on_openat(self, arguments: str, result: int, line: str) -> None:
        path = decoded(_STRING.search(arguments))
        if not path.startswith(self._root):
            return
        self._positions[str(result)] = 0
        if "O_CREAT" in arguments and path not in self._names:
            inode = 1 + max([0, *self._names.values(), *(step.inode for step in self.steps)])
            self._names[path] = inode
            self.steps.append(Step("create", inode, path))
        if "O_TRUNC" in arguments:
            self.steps.append(Step("truncate", self._names[path], offset=0))

    def _on_write(self, arguments: str, result: int, line: str) -> None:
        descriptor = _DESCRIPTOR.match(arguments)
        inode = self._inode(descriptor)
        if descriptor is None or inode is None:
            return
        offset = self._positions.get(descriptor["number"], 0)
        self._positions[descriptor["number"]] = offset + result
        self.steps.append(Step("write", inode, offset=offset, data=raw(_STRING.search(arguments))[:result]))

    def _on_pwrite64(self, arguments: str, result: int, line: str) -> None:
        inode = self._inode(_DESCRIPTOR.match(arguments))
        if inode is not None:
            offset = int(arguments.rsplit(",", 1)[1])
            self.steps.append(Step("write", inode, offset=offset, data=raw(_STRING.search(arguments))[:result]))

    def _on_ftruncate(self, arguments: str, result: int, line: str) -> None:
        inode = self._inode(_DESCRIPTOR.match(arguments))
        if inode is not None:
            self.steps.append(Step("truncate", inode, offset=int(arguments.rsplit(",", 1)[1])))

    def _on_fsync(self, arguments: str, result: int, line: str) -> None:
        path = descriptor_path(_DESCRIPTOR.match(arguments))
        if path in self._names:
            self.steps.append(Step("sync", self._names[path]))
        elif path.startswith(self._root):
            self.steps.append(Step("sync_folder", path=path))

    _on_fdatasync = _on_fsync

    def _on_rename(self, arguments: str, result: int, line: str) -> None:
        source, target = (decoded(match) for match in _STRING.finditer(arguments))
        self._names[target] = self._names.pop(source)
        self.steps.append(Step("rename", self._names[target], source, target))

    def _on_unlink(self, arguments: str, result: int, line: str) -> None:
        path = decoded(_STRING.search(arguments))
        if path in self._names:
            self.steps.append(Step("unlink", self._names.pop(path), path))

    def _on_mkdir(self, arguments: str, result: int, line: str) -> None:
        path = decoded(_STRING.search(arguments))
        if path.startswith(self._root):
            self.steps.append(Step("mkdir", path=path))

    def _inode(self, match: "re.Match[str] | None") -> int | None:
        return self._names.get(descriptor_path(match))


def raw(match: "re.Match[str] | None") -> bytes:
    """The bytes of a string as strace prints it with -xx."""
    if match is None:
        return b""
    value = ast.literal_eval(f'b"{match[1]}"')
    assert isinstance(value, bytes)
    return value


def decoded(match: "re.Match[str] | None") -> str:
    return os.fsdecode(raw(match))


def descriptor_path(match: "re.Match[str] | None") -> str:
    """The path that -y prints behind a descriptor; -xx prints it in hexadecimal too."""
    if match is None:
        return ""
    written = match["path"]
    return os.fsdecode(ast.literal_eval(f'b"{written}"')) if written.startswith("\\x") else written


def state_after(recording: Recording, done: int, chance: random.Random, keeps_order: bool) -> Folder:
    """One state that the disk may be in when the power goes after `done` steps."""
    steps = recording.steps[:done]
    state = recording.before.copy()
    for index, step in enumerate(steps):
        if step.kind in ("write", "truncate"):
            is_synced = any(later.kind == "sync" and later.inode == step.inode for later in steps[index:])
            apply_perhaps(state, step, is_synced, chance)
    apply_names(state, steps, chance, keeps_order)
    return state


def apply_perhaps(state: Folder, step: Step, is_synced: bool, chance: random.Random) -> None:
    """A change of bytes: whole where it was synced, else sector by sector as chance has it."""
    if is_synced:
        state.apply_data(step)
    elif step.kind == "truncate":
        if chance.random() < 0.5:
            state.apply_data(step)
    else:
        share = chance.random()
        for start in range(0, len(step.data), SECTOR_BYTES):
            if chance.random() < share:
                piece = step.data[start : start + SECTOR_BYTES]
                state.apply_data(Step("write", step.inode, offset=step.offset + start, data=piece))


def apply_names(state: Folder, steps: list[Step], chance: random.Random, keeps_order: bool) -> None:
    """Changes of names: those that a sync of their folder followed, and some of the others."""
    stopped: set[str] = set()
    for index, step in enumerate(steps):
        if step.kind not in ("create", "rename", "unlink", "mkdir"):
            continue
        parent = os.path.dirname(step.target or step.path)
        is_synced = any(later.kind == "sync_folder" and later.path == parent for later in steps[index:])
        if not is_synced and (parent in stopped or chance.random() < 0.5):
            if keeps_order:
                stopped.add(parent)
            continue
        state.apply_name(
            step
        )  # not where its folder never came to the disk: a sync of a folder does not sync its own name


def states(recording: Recording, count: int, seed: int) -> Iterator[tuple[Folder, bool, str]]:
    """`count` states, with whether the operation was confirmed by then, and a name.

    Half of them are of the moment just after the operation was confirmed, the others spread evenly over its steps.
    """
    chance = random.Random(seed)
    total = len(recording.steps)
    for number in range(count):
        done = total if number % 2 else number * total // count
        state = state_after(recording, done, chance, keeps_order=number % 4 < 2)
        yield state, done == total, f"state {number}, after step {done} of {total}"


def record(tracer: Tracer, operation: Operation, folder: Path) -> Recording:
    """Prepare and run an operation in a folder, and read what it wrote."""
    operation.prepare(folder)
    before = Folder.read(folder)
    ended = tracer.run(operation.name, folder, STRACE)
    assert ended.how == "exit 0", f"{operation.name}: {ended.how} {ended.words}"
    return Recording(before, folder, ended.trace)


def problems_of(operation: Operation, recording: Recording, folder: Path, count: int, seed: int) -> list[str]:
    """What the next start misses in `count` states that the power going may leave."""
    found = []
    for state, is_confirmed, name in states(recording, count, seed):
        with tempfile.TemporaryDirectory(dir=folder.parent) as home:
            after = Path(home).resolve()
            for link in (path for path in folder.rglob("*") if path.is_symlink()):
                (after / link.relative_to(folder)).symlink_to(link.readlink())
            state.lay_out(folder, after)
            found += [f"{operation.name}: {name}: {problem}" for problem in operation.problems(after, is_confirmed)]
    return found
