"""Everything SQLite writes and syncs, recorded; and a disk without room, when a test says so.

SQLite does its input and output through a table of functions (a VFS, sqlite.org/vfs.html). ``recorded`` registers
one that hands everything on to the operating system's own and writes down what changes files; ``without_room`` one
that fails as the system does on a full disk. What is tested, its pragmas and the engine are the real ones: nothing
knows that it is watched. Both count for the whole process, so they belong into one of their own, and need an
interpreter whose SQLite ``ctypes`` finds.
"""

from __future__ import annotations

import _sqlite3
import ctypes
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from tests.adversary.power_cut import Deleted, Entry, FolderSynced, Journal, Synced, Truncated, Written

_OK: Final = 0
_IOERR: Final = 10
_FULL: Final = 13
_NAME: Final = b"recorded"

# From here on sqlite3.h, as far as it is needed. A pointer that is only handed on has no type.
_POINTER = ctypes.c_void_p
_OPEN = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, _POINTER, _POINTER, ctypes.c_int, _POINTER)
_DELETE = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, ctypes.c_char_p, ctypes.c_int)
_CLOSE = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER)
_WRITE = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, _POINTER, ctypes.c_int, ctypes.c_int64)
_TRUNCATE = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, ctypes.c_int64)
_SYNC = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, ctypes.c_int)
_SET_CALL = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, ctypes.c_char_p, _POINTER)
_GET_CALL = ctypes.CFUNCTYPE(_POINTER, _POINTER, ctypes.c_char_p)
_OPEN_FOLDER = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, _POINTER)
# What SQLite opens a folder with; it does so only to sync it.
_FOLDER_CALL: Final = b"openDirectory"


class _Vfs(ctypes.Structure):
    _fields_ = (
        ("version", ctypes.c_int),
        ("file_bytes", ctypes.c_int),
        ("longest_path", ctypes.c_int),
        ("next", _POINTER),
        ("name", ctypes.c_char_p),
        ("data", _POINTER),
        ("open", _OPEN),
        ("delete", _DELETE),
        ("rest", _POINTER * 11),
        ("set_system_call", _SET_CALL),
        ("get_system_call", _GET_CALL),
        ("next_system_call", _POINTER),
    )


class _Methods(ctypes.Structure):
    _fields_ = (
        ("version", ctypes.c_int),
        ("close", _CLOSE),
        ("read", _POINTER),
        ("write", _WRITE),
        ("truncate", _TRUNCATE),
        ("sync", _SYNC),
        ("rest", _POINTER * 13),
    )


class _OpenFile(ctypes.Structure):
    _fields_ = (("methods", ctypes.POINTER(_Methods)),)


@contextmanager
def recorded() -> Generator[Journal]:
    """Record all SQLite files that this process opens inside the block; they are to be closed before its end."""
    journal = Journal()
    with _registered(journal.add, lambda: False):
        yield journal


@contextmanager
def without_room(full: Callable[[], bool]) -> Generator[None]:
    """Let no SQLite file grow while ``full``; what is there can be overwritten."""
    with _registered(lambda _entry: None, full):
        yield


@contextmanager
def _registered(add: Callable[[Entry], None], full: Callable[[], bool]) -> Generator[None]:
    library = _library()
    original = library.sqlite3_vfs_find(None)
    recording = _Recording(original.contents, add, full)
    library.sqlite3_vfs_register(ctypes.byref(recording.vfs), 1)
    recording.watch_folders()
    try:
        yield
    finally:
        recording.unwatch_folders()
        library.sqlite3_vfs_register(original, 1)
        library.sqlite3_vfs_unregister(ctypes.byref(recording.vfs))


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    library.sqlite3_vfs_find.argtypes = [ctypes.c_char_p]
    library.sqlite3_vfs_register.argtypes = [ctypes.POINTER(_Vfs), ctypes.c_int]
    library.sqlite3_vfs_unregister.argtypes = [ctypes.POINTER(_Vfs)]
    return library


class _Recording:
    """The table that is put before ``original``. Must live as long as it is registered."""

    def __init__(self, original: Any, add: Callable[[Entry], None], full: Callable[[], bool]) -> None:
        self._original = original
        self._add = add
        self._full = full
        self._paths: dict[int, str] = {}
        # The methods of a file as the system gave them, and what stands in their place.
        self._methods: dict[int, tuple[Any, _Methods]] = {}
        self.vfs = _Vfs.from_buffer_copy(original)
        self.vfs.name = _NAME
        self.vfs.open = _OPEN(self._guarded(self._open))
        self.vfs.delete = _DELETE(self._guarded(self._delete))
        self._open_folder = _OPEN_FOLDER(original.get_system_call(ctypes.addressof(original), _FOLDER_CALL))
        self._folder_opened = _OPEN_FOLDER(self._guarded(self._sync_folder))

    def watch_folders(self) -> None:
        """Have folders that are synced noted too."""
        call = ctypes.cast(self._folder_opened, _POINTER)
        self._original.set_system_call(ctypes.addressof(self._original), _FOLDER_CALL, call)

    def unwatch_folders(self) -> None:
        """Put the system's own call back."""
        self._original.set_system_call(ctypes.addressof(self._original), _FOLDER_CALL, None)

    @staticmethod
    def _guarded(function: Callable[..., int]) -> Callable[..., int]:
        # ctypes prints what a callback raises and returns 0, which SQLite would take for success.
        def call(*arguments: Any) -> int:
            try:
                return function(*arguments)
            except Exception:  # noqa: BLE001  told to SQLite, whose caller fails by it
                return _IOERR

        return call

    def _open(self, _vfs: int, name: int | None, file: int, flags: int, out_flags: int | None) -> int:
        result: int = self._original.open(ctypes.addressof(self._original), name, file, flags, out_flags)
        opened = _OpenFile.from_address(file)
        # A file without a name is temporary: it is not there after any crash.
        if result == _OK and name is not None and opened.methods:
            self._paths[file] = ctypes.string_at(name).decode()
            opened.methods = ctypes.pointer(self._replaced(opened.methods.contents))
        return result

    def _replaced(self, methods: Any) -> _Methods:
        address = ctypes.addressof(methods)
        if address not in self._methods:
            ours = _Methods.from_buffer_copy(methods)
            ours.close = _CLOSE(self._guarded(partial(self._close, methods)))
            ours.write = _WRITE(self._guarded(partial(self._write, methods)))
            ours.truncate = _TRUNCATE(self._guarded(partial(self._truncate, methods)))
            ours.sync = _SYNC(self._guarded(partial(self._sync, methods)))
            self._methods[address] = (methods, ours)
        return self._methods[address][1]

    def _delete(self, _vfs: int, name: bytes, sync_folder: int) -> int:
        result: int = self._original.delete(ctypes.addressof(self._original), name, sync_folder)
        if result == _OK:
            self._add(Deleted(name.decode()))
            if sync_folder:
                self._add(FolderSynced(str(Path(name.decode()).parent)))
        return result

    def _sync_folder(self, file_in_it: bytes, descriptor: int) -> int:
        result: int = self._open_folder(file_in_it, descriptor)
        if result == _OK:
            self._add(FolderSynced(str(Path(file_in_it.decode()).parent)))
        return result

    def _close(self, methods: Any, file: int) -> int:
        self._paths.pop(file, None)
        result: int = methods.close(file)
        return result

    def _write(self, methods: Any, file: int, content: int, length: int, offset: int) -> int:
        path = self._paths[file]
        if self._full() and offset + length > Path(path).stat().st_size:
            return _FULL
        result: int = methods.write(file, content, length, offset)
        if result == _OK:
            self._add(Written(path, offset, ctypes.string_at(content, length)))
        return result

    def _truncate(self, methods: Any, file: int, size: int) -> int:
        result: int = methods.truncate(file, size)
        if result == _OK:
            self._add(Truncated(self._paths[file], size))
        return result

    def _sync(self, methods: Any, file: int, flags: int) -> int:
        result: int = methods.sync(file, flags)
        if result == _OK:
            self._add(Synced(self._paths[file]))
        return result
