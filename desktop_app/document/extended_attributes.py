"""What a file has beside its bytes, owner and mode: the access list, and the attributes that a person has put there.

    copy_attributes(source, descriptor)     after the mode was set; each is copied by itself, what fails is left out

With an access list the group's bits of the mode are the list's mask, not what the group may do. So where the list
cannot be set, the mode is narrowed: a copy never lets anybody in whom its original keeps out.

Knows: Linux's attributes (elsewhere there is nothing to do). Must not know: what the bytes mean, temporary files.
"""

from __future__ import annotations

import errno
import os
import stat
import struct

ACCESS_LIST = "system.posix_acl_access"
_OF_A_PERSON = "user."
_HEADER_BYTES = 4
_ENTRY = "<HHI"  # tag, permissions, id: linux/posix_acl_xattr.h
_GROUP, _MASK = 0x04, 0x10
_NONE = frozenset({errno.ENODATA, errno.ENOTSUP, errno.EOPNOTSUPP})


def copy_attributes(source: str, descriptor: int) -> None:
    """Give an open file the attributes and the access list of another, and no other list. Raises no `OSError`."""
    if not hasattr(os, "listxattr"):
        return
    try:
        wanted = os.getxattr(source, ACCESS_LIST)
    except OSError as error:
        wanted = b""
        if error.errno not in _NONE:
            _narrow(descriptor, 0)
    _set_access_list(descriptor, wanted)
    for name in _names(source):
        try:
            os.setxattr(descriptor, name, os.getxattr(source, name))
        except OSError:
            continue  # no place for it: the text counts more


def group_permissions(access_list: bytes) -> int:
    """What the owning group may do by an access list, as three bits."""
    entries = {tag: permissions for tag, permissions, _id in struct.iter_unpack(_ENTRY, access_list[_HEADER_BYTES:])}
    return int(entries.get(_GROUP, 0)) & int(entries.get(_MASK, 7)) & 7


def _set_access_list(descriptor: int, wanted: bytes) -> None:
    try:
        if wanted:
            os.setxattr(descriptor, ACCESS_LIST, wanted)
        else:
            os.removexattr(descriptor, ACCESS_LIST)  # one that the folder gives to every new file
    except OSError as error:
        if wanted:
            _narrow(descriptor, group_permissions(wanted))
        elif error.errno not in _NONE:
            _narrow(descriptor, 0)


def _narrow(descriptor: int, group: int) -> None:
    mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
    os.fchmod(descriptor, mode & ~stat.S_IRWXG | (mode & stat.S_IRWXG & group << 3))


def _names(source: str) -> list[str]:
    try:
        return [name for name in os.listxattr(source) if name.startswith(_OF_A_PERSON)]
    except OSError:
        return []
