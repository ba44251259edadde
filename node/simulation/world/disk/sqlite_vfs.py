"""SQLite on a simulated disk: Python's own SQLite library is given a file system that is a `Platter`.

Invariant: SQLite itself is the real one, with its log, its syncs and its recovery; only the disk below it is not.
Invariant: a connection of a life that is over reads and writes nothing more.
Spec: docs/spec/simulation.md
"""

import _sqlite3
import ctypes
import errno
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final

from node.simulation.world.disk.eager_connection import MomentConnection
from node.simulation.world.disk.platter import Platter, PlatterFile
from storage.database import connect

VFS_NAME: Final = "rochdale-platter"
OK, BUSY, IOERR, FULL, CANTOPEN, NOTFOUND, READONLY = 0, 5, 10, 13, 14, 12, 8
SHORT_READ: Final = IOERR | 2 << 8
PATH_BYTES_MAX: Final = 512
SECTOR_BYTES: Final = 4_096
POWERSAFE_OVERWRITE: Final = 0x1000
OPEN_CREATE: Final = 0x4
LOCK_NONE, LOCK_SHARED, LOCK_RESERVED, LOCK_PENDING, LOCK_EXCLUSIVE = range(5)
SHM_UNLOCK, SHM_LOCK, SHM_SHARED, SHM_EXCLUSIVE, SHM_SLOTS = 1, 2, 4, 8, 8
JULIAN_DAY_MS: Final = 210_866_760_000_000

_Pointer, _Int, _Long = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64


class _Shared:
    """What the connections to one file share: its locks and the index of its write-ahead log."""

    def __init__(self) -> None:
        self.levels: dict[int, int] = {}
        self.pages: list[Any] = []
        self.shared: list[set[int]] = [set() for _ in range(SHM_SLOTS)]
        self.exclusive: list[int | None] = [None] * SHM_SLOTS


class _Handle:
    """One open file of one connection."""

    __slots__ = ("file", "is_kept", "life", "name", "platter", "shared")

    def __init__(self, platter: Platter, name: str, file: PlatterFile, shared: _Shared, is_kept: bool) -> None:
        self.platter, self.name, self.file, self.shared, self.is_kept = platter, name, file, shared, is_kept
        self.life = platter.life


_platters: dict[int, Platter] = {}
_handles: dict[int, _Handle] = {}
_shared: dict[tuple[int, int, str], _Shared] = {}
faults: list[BaseException] = []
"""What went wrong in the file system itself: never empty-handed back to SQLite, and a run that has any has failed."""


def is_available() -> bool:
    """Whether this Python's SQLite can be reached: one that is built into the interpreter cannot."""
    return hasattr(_library(), "sqlite3_vfs_register")


def open_platter(platter: Platter, path: Path) -> MomentConnection:
    """A connection like the real one to a file of a simulated disk."""
    _register()
    number = id(platter)
    _platters[number] = platter
    opened = connect(f"file:/{number}{path}?vfs={VFS_NAME}", uri=True, factory=MomentConnection)
    assert isinstance(opened, MomentConnection)
    return opened


def forget(platter: Platter) -> None:
    """Let go of a disk that no machine has any more."""
    _platters.pop(id(platter), None)
    for key in [key for key in _shared if key[0] == id(platter)]:
        del _shared[key]


def _guarded(call: Callable[..., int]) -> Callable[..., int]:
    """An error of the disk becomes SQLite's own code; one of ours must not pass for success."""

    @wraps(call)
    def guarded(*given: Any) -> int:
        try:
            return call(*given)
        except OSError as error:
            return FULL if error.errno == errno.ENOSPC else IOERR
        except BaseException as error:
            faults.append(error)
            return IOERR

    return guarded


def _open(_vfs: int, raw_name: bytes | None, place: int, flags: int, out_flags: int) -> int:
    ctypes.c_void_p.from_address(place).value = None
    if raw_name is None:
        handle = _Handle(Platter({}, ""), "", PlatterFile(), _Shared(), False)
    else:
        number, name = _split(raw_name)
        platter = _platters[number]
        if platter.is_dead:
            return CANTOPEN
        file = platter.open(name, is_created=bool(flags & OPEN_CREATE))
        if file is None:
            return CANTOPEN
        shared = _shared.setdefault((number, platter.life, name), _Shared())
        handle = _Handle(platter, name, file, shared, True)
    _handles[place] = handle
    ctypes.c_void_p.from_address(place).value = ctypes.addressof(_methods)
    if out_flags:
        ctypes.c_int.from_address(out_flags).value = flags
    return OK


def _split(raw_name: bytes) -> tuple[int, str]:
    number, _, name = raw_name.decode()[1:].partition("/")
    return int(number), f"/{name}"


def _delete(_vfs: int, raw_name: bytes, is_synced: int) -> int:
    number, name = _split(raw_name)
    platter = _platters[number]
    platter.remove(Path(name))
    if is_synced:
        platter.sync_names(lambda other: other == name)
    return OK


def _access(_vfs: int, raw_name: bytes, _flags: int, out: int) -> int:
    number, name = _split(raw_name)
    ctypes.c_int.from_address(out).value = int(name in _platters[number].names)
    return OK


def _full_path(_vfs: int, raw_name: bytes, size: int, out: int) -> int:
    if len(raw_name) >= size:
        return CANTOPEN
    ctypes.memmove(out, raw_name + b"\0", len(raw_name) + 1)
    return OK


def _randomness(_vfs: int, size: int, out: int) -> int:
    ctypes.memset(out, 7, size)
    return size


def _sleep(_vfs: int, wait_us: int) -> int:
    return wait_us


def _time(_vfs: int, out: int) -> int:
    ctypes.c_int64.from_address(out).value = JULIAN_DAY_MS
    return OK


def _last_error(_vfs: int, _size: int, _out: int) -> int:
    return OK


def _close(place: int) -> int:
    handle = _handles.pop(place)
    handle.shared.levels.pop(place, None)
    _release_slots(handle.shared, place)
    return OK


def _live(place: int) -> _Handle:
    handle = _handles[place]
    if handle.is_kept and handle.life != handle.platter.life:
        raise OSError(errno.EIO, "no power")
    return handle


def _read(place: int, out: int, size: int, offset: int) -> int:
    raw = bytes(memoryview(_live(place).file.content)[offset : offset + size])
    ctypes.memmove(out, raw, len(raw))
    if len(raw) < size:
        ctypes.memset(out + len(raw), 0, size - len(raw))
        return SHORT_READ
    return OK


def _write(place: int, source: int, size: int, offset: int) -> int:
    handle = _live(place)
    handle.platter.put(handle.file, offset, ctypes.string_at(source, size))
    return OK


def _truncate(place: int, size: int) -> int:
    handle = _live(place)
    handle.platter.step()
    handle.file.truncate(size)
    return OK


def _sync(place: int, _flags: int) -> int:
    handle = _live(place)
    handle.platter.sync_file(handle.file)
    # As SQLite does where there are folders: with a new file's first sync it syncs the folder, all its names with it.
    if handle.platter.is_unnamed(handle.name):
        handle.platter.sync_folder(Path(handle.name).parent)
    return OK


def _size(place: int, out: int) -> int:
    ctypes.c_int64.from_address(out).value = len(_live(place).file.content)
    return OK


def _lock(place: int, level: int) -> int:
    handle = _live(place)
    levels = handle.shared.levels
    others = [held for other, held in levels.items() if other != place]
    if level <= levels.get(place, LOCK_NONE):
        return OK
    if any(held >= LOCK_PENDING for held in others):
        return BUSY
    if level >= LOCK_RESERVED and any(held >= LOCK_RESERVED for held in others):
        return BUSY
    if level == LOCK_EXCLUSIVE and any(held >= LOCK_SHARED for held in others):
        levels[place] = LOCK_PENDING
        return BUSY
    levels[place] = level
    return OK


def _unlock(place: int, level: int) -> int:
    levels = _handles[place].shared.levels
    levels[place] = min(level, levels.get(place, LOCK_NONE))
    return OK


def _check_reserved(place: int, out: int) -> int:
    levels = _handles[place].shared.levels
    ctypes.c_int.from_address(out).value = int(any(held >= LOCK_RESERVED for held in levels.values()))
    return OK


def _control(_place: int, _operation: int, _given: int) -> int:
    return NOTFOUND


def _sector(_place: int) -> int:
    return SECTOR_BYTES


def _characteristics(_place: int) -> int:
    return POWERSAFE_OVERWRITE


def _map(place: int, page: int, size: int, is_extended: int, out: int) -> int:
    pages = _live(place).shared.pages
    while is_extended and len(pages) <= page:
        pages.append(ctypes.create_string_buffer(size))
    address = ctypes.addressof(pages[page]) if page < len(pages) else None
    ctypes.c_void_p.from_address(out).value = address
    return OK


def _shm_lock(place: int, first: int, count: int, flags: int) -> int:
    shared = _live(place).shared
    if count == 1 and flags & SHM_SHARED:
        # By far the most frequent: one reader's mark.
        return _mark_reader(shared, place, first, flags)
    slots = range(first, first + count)
    if flags & SHM_UNLOCK:
        for slot in slots:
            shared.shared[slot].discard(place)
            if shared.exclusive[slot] == place:
                shared.exclusive[slot] = None
        return OK
    for slot in slots:
        if shared.exclusive[slot] not in (None, place) or (flags & SHM_EXCLUSIVE and shared.shared[slot] - {place}):
            return BUSY
    for slot in slots:
        if flags & SHM_EXCLUSIVE:
            shared.exclusive[slot] = place
        else:
            shared.shared[slot].add(place)
    return OK


def _mark_reader(shared: _Shared, place: int, slot: int, flags: int) -> int:
    if flags & SHM_UNLOCK:
        shared.shared[slot].discard(place)
    elif shared.exclusive[slot] not in (None, place):
        return BUSY
    else:
        shared.shared[slot].add(place)
    return OK


def _barrier(_place: int) -> None:
    """One thread: everybody sees everything."""


def _unmap(place: int, is_deleted: int) -> int:
    shared = _handles[place].shared
    _release_slots(shared, place)
    if is_deleted:
        shared.pages = []
    return OK


def _release_slots(shared: _Shared, place: int) -> None:
    for slot in range(SHM_SLOTS):
        shared.shared[slot].discard(place)
        if shared.exclusive[slot] == place:
            shared.exclusive[slot] = None


_METHODS: Final[tuple[tuple[str, Callable[..., Any], tuple[Any, ...]], ...]] = (
    ("xClose", _close, (_Pointer,)),
    ("xRead", _read, (_Pointer, _Pointer, _Int, _Long)),
    ("xWrite", _write, (_Pointer, _Pointer, _Int, _Long)),
    ("xTruncate", _truncate, (_Pointer, _Long)),
    ("xSync", _sync, (_Pointer, _Int)),
    ("xFileSize", _size, (_Pointer, _Pointer)),
    ("xLock", _lock, (_Pointer, _Int)),
    ("xUnlock", _unlock, (_Pointer, _Int)),
    ("xCheckReservedLock", _check_reserved, (_Pointer, _Pointer)),
    ("xFileControl", _control, (_Pointer, _Int, _Pointer)),
    ("xSectorSize", _sector, (_Pointer,)),
    ("xDeviceCharacteristics", _characteristics, (_Pointer,)),
    ("xShmMap", _map, (_Pointer, _Int, _Int, _Int, _Pointer)),
    ("xShmLock", _shm_lock, (_Pointer, _Int, _Int, _Int)),
    ("xShmBarrier", _barrier, (_Pointer,)),
    ("xShmUnmap", _unmap, (_Pointer, _Int)),
)
_CALLS: Final[tuple[tuple[str, Callable[..., int] | None, tuple[Any, ...]], ...]] = (
    ("xOpen", _open, (_Pointer, ctypes.c_char_p, _Pointer, _Int, _Pointer)),
    ("xDelete", _delete, (_Pointer, ctypes.c_char_p, _Int)),
    ("xAccess", _access, (_Pointer, ctypes.c_char_p, _Int, _Pointer)),
    ("xFullPathname", _full_path, (_Pointer, ctypes.c_char_p, _Int, _Pointer)),
    ("xDlOpen", None, ()),
    ("xDlError", None, ()),
    ("xDlSym", None, ()),
    ("xDlClose", None, ()),
    ("xRandomness", _randomness, (_Pointer, _Int, _Pointer)),
    ("xSleep", _sleep, (_Pointer, _Int)),
    ("xCurrentTime", None, ()),
    ("xGetLastError", _last_error, (_Pointer, _Int, _Pointer)),
    ("xCurrentTimeInt64", _time, (_Pointer, _Pointer)),
)


class _IoMethods(ctypes.Structure):
    _fields_ = (("iVersion", _Int), *((name, _Pointer) for name, _, _ in _METHODS))


class _File(ctypes.Structure):
    _fields_ = (("pMethods", _Pointer),)


class _Vfs(ctypes.Structure):
    _fields_ = (
        ("iVersion", _Int),
        ("szOsFile", _Int),
        ("mxPathname", _Int),
        ("pNext", _Pointer),
        ("zName", ctypes.c_char_p),
        ("pAppData", _Pointer),
        *((name, _Pointer) for name, _, _ in _CALLS),
    )


_methods = _IoMethods(2)
_vfs = _Vfs(2, ctypes.sizeof(_File), PATH_BYTES_MAX, None, VFS_NAME.encode(), None)
_kept: list[Any] = []
"""C holds these functions: they must live as long as the process."""


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(getattr(_sqlite3, "__file__", None))


def _register() -> None:
    if _kept:
        return
    for structure, table in ((_methods, _METHODS), (_vfs, _CALLS)):
        for name, call, given in table:
            if call is not None:
                kind = ctypes.CFUNCTYPE(None if call is _barrier else _Int, *given)
                pointer = kind(call if call is _barrier else _guarded(call))
                _kept.append(pointer)
                setattr(structure, name, ctypes.cast(pointer, ctypes.c_void_p).value)
    _library().sqlite3_vfs_register(ctypes.byref(_vfs), 0)
