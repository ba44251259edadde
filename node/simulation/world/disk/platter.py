"""A machine's disk in memory that forgets like a real one: what was not synced is lost, torn or kept when power is cut.

Invariant: what was synced survives every cut; what was not survives by the seed's chance, write by write.
Invariant: after a cut nothing that the old life of the machine does reaches the disk.
Spec: docs/spec/simulation.md
"""

import errno
from collections.abc import Callable
from pathlib import Path
from random import Random

from storage.disk import Disk

SECTOR_BYTES = 512
LOST, TORN = 0.4, 0.6
"""Chances of an unsynced write: below the first it is lost, below the second torn, else kept."""


class PlatterFile:
    """One file: as processes see it, as it lies on the platter, and the writes between the two."""

    __slots__ = ("content", "durable", "pending")

    def __init__(self, content: bytes = b"") -> None:
        self.content = bytearray(content)
        self.durable = bytearray(content)
        self.pending: list[tuple[int, bytes | None]] = []

    def write(self, offset: int, raw: bytes) -> None:
        """Write at a place; a gap before it is zeros."""
        _put(self.content, offset, raw)
        self.pending.append((offset, raw))

    def truncate(self, size: int) -> None:
        """Cut the file off."""
        del self.content[size:]
        self.pending.append((size, None))

    def sync(self) -> None:
        """All writes are on the platter."""
        for offset, raw in self.pending:
            _apply(self.durable, offset, raw)
        self.pending.clear()

    def fall(self, chance: Random) -> None:
        """Power is cut: some unsynced writes made it, in whatever order, some in part, some not at all."""
        pending = list(self.pending)
        if len(pending) > 1 and chance.random() < 0.5:
            chance.shuffle(pending)
        for offset, raw in pending:
            fate = chance.random()
            if fate < LOST:
                continue
            if raw is None or fate >= TORN:
                _apply(self.durable, offset, raw)
                continue
            for start in range(0, len(raw), SECTOR_BYTES):
                if chance.random() < 0.5:
                    _put(self.durable, offset + start, raw[start : start + SECTOR_BYTES])
        self.pending.clear()
        self.content = bytearray(self.durable)


class Platter(Disk):
    """All files of one machine, by path; `life` numbers the time from one start of the machine to the next cut."""

    def __init__(self, files: dict[str, bytes], seed: str, fell: Callable[[], None] = lambda: None) -> None:
        """`fell` is called in the moment in which a planned cut comes."""
        self.names = {name: PlatterFile(content) for name, content in files.items()}
        self.life = 0
        self.is_dead = False
        self.is_full = False
        self.failing_syncs = 0
        self.steps = self.cuts = 0
        self._cut_at: int | None = None
        self._durable_names = dict(self.names)
        self._renames: list[tuple[str, PlatterFile | None]] = []
        self._seed, self._fell = seed, fell

    @property
    def state(self) -> tuple[int, int]:
        """Numbers the states of the disk: (lives so far, changes so far). The same numbers are the same bytes."""
        return self.life, self.steps

    def cut_in(self, steps: int) -> None:
        """Cut the power before the n-th change from now on."""
        self._cut_at = self.steps + steps

    def cut(self) -> None:
        """Cut the power now: the platter keeps what was synced and, by chance, some of the rest."""
        chance = Random(f"{self._seed} cut {self.cuts}")
        self.cuts += 1
        for name, file in self._renames[: chance.randint(0, len(self._renames))]:
            _name(self._durable_names, name, file)
        for file in {id(file): file for file in (*self.names.values(), *self._durable_names.values())}.values():
            file.fall(chance)
        self.names = dict(self._durable_names)
        self._end()

    def kill(self) -> None:
        """The process ends and the machine stays: everything written is there."""
        self._end()

    def wake(self) -> None:
        """The machine starts again."""
        self.is_dead = False

    def soothe(self) -> None:
        """No more faults from now on."""
        self.is_full, self.failing_syncs, self._cut_at = False, 0, None

    def copy_all(self) -> dict[str, bytes]:
        """Everything that processes see."""
        return {name: bytes(file.content) for name, file in self.names.items()}

    def copy_home(self, folder: Path) -> dict[str, bytes]:
        """What lies on the platter below a folder: the copy that a backup is."""
        prefix = f"{folder}/"
        return {name: bytes(file.durable) for name, file in self._durable_names.items() if name.startswith(prefix)}

    def put_back(self, folder: Path, files: dict[str, bytes]) -> None:
        """Put a backup back in the place of a folder, while the machine is off."""
        for name in [name for name in self.names if name.startswith(f"{folder}/")]:
            del self.names[name]
        self.names.update({name: PlatterFile(content) for name, content in files.items()})
        self._durable_names = dict(self.names)

    def step(self) -> None:
        """One change of the disk; OSError from the planned cut on, and for a dead life."""
        if self.is_dead:
            raise OSError(errno.EIO, "no power")
        self.steps += 1
        if self._cut_at is not None and self.steps >= self._cut_at:
            self.cut()
            self._fell()
            raise OSError(errno.EIO, "no power")

    def open(self, name: str, is_created: bool) -> PlatterFile | None:
        """A file by name, made if it is to be."""
        file = self.names.get(name)
        if file is None and is_created:
            self.step()
            file = PlatterFile()
            self.rename_all([(name, file)])
        return file

    def sync_file(self, file: PlatterFile) -> None:
        """Have a file's writes on the platter; after a sync that fails they wait for the next one."""
        self.step()
        if self.failing_syncs:
            self.failing_syncs -= 1
            raise OSError(errno.EIO, "the disk failed")
        file.sync()

    def put(self, file: PlatterFile, offset: int, raw: bytes) -> None:
        """Write to a file; a full disk takes nothing new."""
        self.step()
        if self.is_full and offset + len(raw) > len(file.content):
            raise OSError(errno.ENOSPC, "the disk is full")
        file.write(offset, raw)

    def rename_all(self, names: list[tuple[str, PlatterFile | None]]) -> None:
        """Give and take names, together, not yet durable."""
        for name, file in names:
            _name(self.names, name, file)
        self._renames += names

    def is_unnamed(self, name: str) -> bool:
        """Whether a file's name may not outlast a cut."""
        return any(name == renamed for renamed, _ in self._renames)

    def sync_names(self, is_meant: Callable[[str], bool]) -> None:
        """Make names durable."""
        for name, file in self._renames:
            if is_meant(name):
                _name(self._durable_names, name, file)
        self._renames = [(name, file) for name, file in self._renames if not is_meant(name)]

    def read(self, path: Path, bytes_max: int = -1) -> bytes:
        if self.is_dead:
            raise OSError(errno.EIO, "no power")
        file = self.names.get(str(path))
        if file is None:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        return bytes(file.content if bytes_max < 0 else file.content[:bytes_max])

    def read_durable(self, path: Path) -> bytes:
        """A file as it would be found after a cut; FileNotFoundError where it would be gone."""
        file = self._durable_names.get(str(path))
        if file is None:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        return bytes(file.durable)

    def exists(self, path: Path) -> bool:
        return str(path) in self.names

    def make_folder(self, path: Path, mode: int = 0o777) -> None:
        """Folders are there as soon as a file lies in them."""

    def write(self, path: Path, content: bytes, *, is_truncated: bool, is_synced: bool, mode: int = 0o600) -> bool:
        is_new = str(path) not in self.names
        file = self.open(str(path), is_created=True)
        assert file is not None
        if is_truncated and not is_new:
            self.step()
            file.truncate(0)
        self.put(file, 0, content)
        if is_synced:
            self.sync_file(file)
        return is_new

    def replace(self, source: Path, target: Path) -> None:
        self.step()
        self.rename_all([(str(target), self.names[str(source)]), (str(source), None)])

    def remove(self, path: Path) -> None:
        if str(path) in self.names:
            self.step()
            self.rename_all([(str(path), None)])

    def sync_folder(self, folder: Path) -> None:
        self.step()
        self.sync_names(lambda name: Path(name).parent == folder)

    def _end(self) -> None:
        self.life += 1
        self.is_dead, self.is_full, self.failing_syncs, self._cut_at = True, False, 0, None
        if self.names == self._durable_names:
            self._renames.clear()


class DurableView(Disk):
    """What would be left of a platter if power were cut now and every unsynced write lost."""

    def __init__(self, platter: Platter) -> None:
        self._platter = platter

    def read(self, path: Path, bytes_max: int = -1) -> bytes:
        return self._platter.read_durable(path)


def _put(content: bytearray, offset: int, raw: bytes) -> None:
    if offset > len(content):
        content.extend(bytes(offset - len(content)))
    if offset + len(raw) <= len(content):
        # A view takes the bytes as they are; the array itself would copy them first.
        memoryview(content)[offset : offset + len(raw)] = raw
    else:
        del content[offset:]
        content += raw


def _apply(content: bytearray, offset: int, raw: bytes | None) -> None:
    if raw is None:
        del content[offset:]
    else:
        _put(content, offset, raw)


def _name(names: dict[str, PlatterFile], name: str, file: PlatterFile | None) -> None:
    if file is None:
        names.pop(name, None)
    else:
        names[name] = file
