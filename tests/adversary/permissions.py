"""Grants, registers, policies and clocks put out of order for the length of a block, as their signers or a ledger would."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from blindplate.core.parties import Custodian
from blindplate.core.signing import Statement
from blindplate.core.statements.cameras import CameraStanding, CameraStatus, RegisterEntry
from blindplate.core.statements.grants import Grant, GrantedZone
from blindplate.core.statements.policies import (
    PseudonymMode,
    RegisteredCamera,
    ZonePolicy,
    ZoneRegister,
    register_digest,
)
from blindplate.edge.keyfiles import read_statement, write_statement
from blindplate.edge.settings import load
from blindplate.server.custodian.settings import CustodianSettings
from blindplate.server.custodian.suspending import give_word
from blindplate.server.custodian.suspensions import Word
from tests.adversary.reading import grant_of
from tests.integration.ledger_site import until
from tests.integration.owner.world import World

SIGNERS = ("operator", "custodian-a", "custodian-b")


@contextmanager
def clock_at(world: World, moment: Callable[[Grant], float]) -> Generator[None]:
    """The custodians' clock set to a moment of the police's grant; nothing is witnessed meanwhile."""
    before, at = world.clock.offset, moment(grant_of(world, "police"))
    world.ledger.stop()
    world.clock.move_to(at)
    try:
        yield
    finally:
        world.clock.offset = before
        world.ledger.start()
        until(world.fresh)


@contextmanager
def suspended_by(world: World, custodian: Custodian, list_id: str = "police") -> Generator[None]:
    """One custodian has suspended a list's grant for itself."""
    settings = load(CustodianSettings, world.deployment.settings(f"custodian-{custodian}"))
    grant_id = f"{list_id}-1"
    give_word(settings, Word(grant_id, suspended=True, reason="A complaint."), world.clock.now())
    try:
        yield
    finally:
        give_word(settings, Word(grant_id, suspended=False, reason="Looked into."), world.clock.now())


@contextmanager
def amended(world: World, list_id: str, **changes: Any) -> Generator[None]:
    """An amendment that everyone signed is in force; afterwards one that says what the grant said before."""
    before = grant_of(world, list_id)
    _amend(world, list_id, changes)
    try:
        yield
    finally:
        _amend(world, list_id, {name: getattr(before, name) for name in changes})


def enter_unchecked(
    world: World, *statements: Statement, by: str = "operator", documents: Sequence[Statement] = ()
) -> None:
    """Enter what the ledger's rules refuse: the ledger is the operator's, and looks away; both custodians witness it."""

    def look_away(_sequencer: object, append: Any) -> None:
        # As if it had been checked, and were nothing that later entries rest on.
        append.checked, append.decisive = _sequencer._version, frozenset()  # type: ignore[attr-defined]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("blindplate.server.ledger.sequencer.Sequencer._check", look_away)
        world.enter(*statements, by=by, documents=documents)


@contextmanager
def camera_slipped_in(world: World) -> Generator[None]:
    """The operator enters, past the ledger's rules, the inner zone's register anew with a camera more than the grant's."""
    inner, outer = (_register(world, zone) for zone in ("inner", "outer"))
    _enter_register(world, "inner", inner.cameras + outer.cameras, unchecked=True)
    yield


@contextmanager
def grant_one_custodian_did_not_sign(world: World, grant_id: str = "rally-1") -> Generator[None]:
    """The operator, custodian A and the ledger have a grant over a further list; custodian B never signed it."""
    grant = grant_of(world, "police")
    further = grant.model_copy(update={"grant_id": grant_id, "list_id": "rally", "amendment": 0})
    enter_unchecked(world, further.statement(*_keys(world, SIGNERS[:2])))
    _pass_notice(world, grant)
    yield


@contextmanager
def zone_written_in(world: World) -> Generator[None]:
    """The police write a zone more into their grant and sign it themselves; operator and ledger let it pass."""
    grant, inner = grant_of(world, "police"), _register(world, "inner")
    digest = _enter_register(world, "abbey", inner.cameras)
    zones = (*grant.zones, GrantedZone(zone="abbey", generation=1, register_digest=digest))
    written = grant.model_copy(update={"amendment": grant.amendment + 1, "zones": zones})
    enter_unchecked(world, written.statement(*_keys(world, ["owner-police"])))
    _pass_notice(world, grant)
    yield


def revoke(world: World, camera: str) -> None:
    """Have the operator revoke a camera of the inner zone, for good."""
    registers = world.custodians[Custodian.A].replica.state.registers.values()
    known = next(one for register in registers for one in register.cameras if one.camera_id == camera)
    status = CameraStatus(
        camera_id=camera,
        zone="inner",
        identity=known.identity,
        signing_key=known.signing_key,
        standing=CameraStanding.REVOKED,
        reason="Stolen.",
        made_at=int(world.clock.now()),
    )
    world.enter(status.statement(world.signing_key("operator")))


@contextmanager
def local_mode(world: World, *signers: str, entered: bool = True) -> Generator[None]:
    """A newer policy for local mode in the inner zone, signed by ``signers``, whom the ledger takes it from."""
    path = world.deployment.public / "policies" / "inner.json"
    before = read_statement(path)
    changed = _next_policy(world, PseudonymMode.LOCAL).statement(*_keys(world, signers))
    if entered:
        enter_unchecked(world, changed)
    write_statement(path, changed)
    try:
        yield
    finally:
        write_statement(path, before)
        world.enter(_next_policy(world, PseudonymMode.OBLIVIOUS).statement(*_keys(world, SIGNERS[1:])))


def _next_policy(world: World, mode: PseudonymMode) -> ZonePolicy:
    """The inner zone's policy as the ledger has it, with another mode and the next serial number."""
    last = world.custodians[Custodian.A].replica.state.policies["inner"]
    return last.model_copy(update={"mode": mode, "serial": last.serial + 1})


def _amend(world: World, list_id: str, changes: dict[str, Any]) -> None:
    grant = grant_of(world, list_id)
    changed = grant.model_copy(update=changes | {"amendment": grant.amendment + 1})
    world.enter(changed.statement(*_keys(world, SIGNERS)))
    _pass_notice(world, grant)


def _pass_notice(world: World, grant: Grant) -> None:
    world.clock.offset += grant.notice_seconds + 1


def _register(world: World, zone: str) -> ZoneRegister:
    """The register that the police's grant names for a zone."""
    named = next(one for one in grant_of(world, "police").zones if one.zone == zone)
    return world.custodians[Custodian.A].replica.state.registers[named.register_digest]


def _enter_register(
    world: World, zone: str, cameras: tuple[RegisteredCamera, ...], *, unchecked: bool = False
) -> bytes:
    operator = world.signing_key("operator")
    document = ZoneRegister(zone=zone, generation=1, cameras=cameras).statement(operator)
    entry = RegisterEntry(
        zone=zone,
        generation=1,
        cameras=len(cameras),
        register_digest=register_digest(document.payload),
        made_at=int(world.clock.now()),
    )
    enter = enter_unchecked if unchecked else _enter
    enter(world, entry.statement(operator), documents=[document])
    return entry.register_digest


def _enter(world: World, *statements: Statement, documents: Sequence[Statement] = ()) -> None:
    world.enter(*statements, documents=documents)


def _keys(world: World, parties: Iterable[str]) -> list[Any]:
    return [world.signing_key(party) for party in parties]
