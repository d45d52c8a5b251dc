"""Grants, registers, policies and clocks put out of order for the length of a block."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any

from blindplate.core.parties import Custodian
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.policies import PseudonymMode, ZonePolicy, ZoneRegister
from blindplate.edge.keyfiles import read_statement, write_statement
from tests.adversary.reading import grant_of
from tests.integration.owner.world import World

SIGNERS = ("operator", "custodian-a", "custodian-b")


@contextmanager
def clock_at(world: World, moment: Callable[[Grant], float]) -> Generator[None]:
    """The custodians' clock set to a moment of the police's grant."""
    before = world.clock.offset
    world.clock.move_to(moment(grant_of(world, "police")))
    try:
        yield
    finally:
        world.clock.offset = before


@contextmanager
def suspended_by(world: World, custodian: Custodian) -> Generator[None]:
    """One custodian has suspended the police's grant for itself."""
    folder = world.deployment.folder / f"custodian-{custodian}" / "state" / "suspended"
    folder.mkdir(exist_ok=True)
    (folder / "police-1").touch()
    try:
        yield
    finally:
        (folder / "police-1").unlink()


@contextmanager
def signed_anew(
    world: World, file: str, model: type[Any], signers: Iterable[str], **changes: Any
) -> Generator[None]:
    """A public statement replaced by one with these changes and signatures."""
    path = world.deployment.public / file
    before = read_statement(path)
    changed = model.parsed(before.payload).model_copy(update=changes)
    write_statement(path, changed.statement(*(world.signing_key(signer) for signer in signers)))
    try:
        yield
    finally:
        write_statement(path, before)


@contextmanager
def camera_slipped_in(world: World) -> Generator[None]:
    """The operator signs a register of the inner zone that names a camera more than the grant's."""
    inner, outer = (
        ZoneRegister.parsed(read_statement(world.deployment.public / "registers" / f"{zone}.json").payload)
        for zone in ("inner", "outer")
    )
    both = inner.cameras + outer.cameras
    with signed_anew(world, "registers/inner.json", ZoneRegister, ["operator"], cameras=both):
        yield


@contextmanager
def zone_written_in(world: World) -> Generator[None]:
    """The police write a zone more into their grant, and sign it themselves."""
    zones = grant_of(world, "police").zones
    more = (*zones, zones[0].model_copy(update={"zone": "abbey"}))
    with signed_anew(world, "grants/police.json", Grant, ["owner-police"], zones=more):
        yield


@contextmanager
def local_mode(world: World, *signers: str) -> Generator[None]:
    """A newer policy for local mode in the inner zone, signed by ``signers``."""
    changes = {"mode": PseudonymMode.LOCAL, "serial": 2}
    with signed_anew(world, "policies/inner.json", ZonePolicy, signers, **changes):
        yield
