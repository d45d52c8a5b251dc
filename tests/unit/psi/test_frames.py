"""SEAL's byte format: what is written is what SEAL writes, and what differs is noticed."""

from __future__ import annotations

import struct
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from blindplate.core.errors import ParameterError
from blindplate.psi import context as context_module
from blindplate.psi.context import Context
from blindplate.psi.frames import ciphertext_frame, parse_ciphertext
from blindplate.psi.randomness import uniform

VERSION = (4, 3)
LEVEL = [1, 2, 3, 4]
SEED = bytes(range(64))


def _frame(seed: bytes = SEED, polynomials: int = 1) -> bytearray:
    residues = np.arange(polynomials * 2 * 8, dtype=np.int64).reshape(polynomials, 2, 8)
    return bytearray(ciphertext_frame(LEVEL, residues, VERSION, seed))


def test_frames_with_and_without_a_seed_are_read_back() -> None:
    seeded = parse_ciphertext(bytes(_frame()), VERSION)
    assert (seeded.level, seeded.ntt, seeded.seed, seeded.residues.shape) == (LEVEL, False, SEED, (1, 2, 8))
    full = parse_ciphertext(bytes(_frame(b"", 2)), VERSION)
    assert (full.seed, full.residues.tolist()) == (None, np.arange(32).reshape(2, 2, 8).tolist())


def test_what_is_written_is_what_seal_writes(context: Context) -> None:
    """SEAL loads our frame, saves it compressed, and the same values come back."""
    parameters = context.parameters
    halves = np.stack(
        [[uniform(parameters.poly_degree, 0, p) for p in parameters.data_primes] for _ in range(2)]
    )
    saved = context.saved(context.ciphertext(halves, context.first))
    assert saved.level == context.first
    assert (saved.residues == halves).all()


def test_threads_may_read_what_seal_saved_at_the_same_time(context: Context) -> None:
    """A daemon that publishes while another thread matches; a shared decompressor corrupts memory within a second."""
    encryptor, decryptor = context.encryptor(key := context.new_key()), context.decryptor(key)

    def differing(_: int) -> int:
        saved = context.saved(encryptor.encrypt_zero_symmetric())
        return int(context.decrypt(decryptor, context.seeded(saved.residues[0], saved.seed or b"")).any())

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(differing, range(200))) == 0


@pytest.mark.parametrize(
    ("position", "value"),
    [
        (0, 0),  # magic
        (2, 8),  # header size
        (3, 3),  # major version
        (4, 2),  # minor version
        (5, 1),  # ZLIB
        (5, 9),  # no known compression
        (8, 0),  # total size
        (49, 3),  # polynomials
        (73, 1),  # scale
        (81, 2),  # correction factor
        (57, 9),  # degree
        (89, 0),  # magic of the frame inside
        (94, 2),  # its compression
        (97, 1),  # its size
        (-81, 0),  # magic of the seed's frame
        (-73, 80),  # its size
        (-65, 2),  # SHAKE-256 in place of BLAKE2Xb
    ],
)
def test_a_frame_that_differs_is_noticed(position: int, value: int) -> None:
    frame = _frame()
    frame[position] = value
    with pytest.raises(ParameterError):
        parse_ciphertext(bytes(frame), VERSION)


def test_a_ciphertext_cut_short_is_noticed() -> None:
    frame = bytes(_frame())[:40]
    with pytest.raises(ParameterError, match="form not known"):
        parse_ciphertext(frame[:8] + struct.pack("<Q", len(frame)) + frame[16:], VERSION)


def test_a_key_is_not_left_in_any_file(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """The only paths SEAL is given are those of anonymous memory files, closed afterwards."""
    given: list[str] = []
    memory = context_module._memory

    @contextmanager
    def recorded(body: bytes) -> Generator[str]:
        with memory(body) as path:
            given.append(path)
            yield path

    monkeypatch.setattr(context_module, "_memory", recorded)
    key = context.new_key()
    context.load_key(context.key_bytes(key))
    assert len(given) == 2
    assert all(path.startswith("/proc/self/fd/") for path in given)
    assert not any(str(each.readlink()).startswith("/memfd:") for each in _open_files())


def _open_files() -> list[Path]:
    """Links to what this process has open; the listing's own descriptor is gone by then."""
    return [each for each in Path("/proc/self/fd").iterdir() if each.is_symlink() and each.exists()]
