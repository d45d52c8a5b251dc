"""The machine a figure was measured on, without which it says nothing.

Linux alone, as the encrypted match is: processor and memory are read where its kernel states them.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

_LIBRARIES: Final = ("tenseal", "numpy", "python-flint", "voprf", "cryptography", "grpcio")
_CPUINFO: Final = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Machine:
    """``cores`` are those this process may use; ``load`` is what others ran on them in the minute before.

    ``libraries`` holds the versions of those that are installed.
    """

    cpu: str
    cores: int
    memory_gib: float
    kernel: str
    python: str
    libraries: Mapping[str, str]
    load: float


def describe() -> Machine:
    """This machine, now."""
    return Machine(
        cpu=_model(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        libraries={name: found for name in _LIBRARIES if (found := _version(name))},
        load=round(os.getloadavg()[0], 2),
    )


def _model() -> str:
    """The processor's name; on some architectures the kernel states none, and the architecture has to do."""
    for line in _CPUINFO.read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
