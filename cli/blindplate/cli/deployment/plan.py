"""What a deployment consists of: cameras by zone, lists by owner, addresses, and the times grants run."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from blindplate.core.domains import CHARGING_DAY, HOURLY, EpochRule
from blindplate.core.statements.disclosure import DisclosedField, Disclosure
from blindplate.core.statements.grants import ListKind, ReleaseMode
from blindplate.core.statements.policies import PseudonymMode

_DAY: Final = 86_400
_SHORT_LIVED_PORTS: Final = range(12_000, 32_000)
SERVERS: Final = ("matcher", "custodian-a", "custodian-b", "ledger")
# Where the ledger is read; the other addresses take calls of enrolled parties.
LEDGER_HTTP: Final = "ledger-http"
ADDRESSES: Final = (*SERVERS, LEDGER_HTTP)

_POLICE_FIELDS: Final = frozenset(DisclosedField)
_EMISSIONS_FIELDS: Final = frozenset({DisclosedField.CAPTURE_TIME, DisclosedField.PLATE_PATCH})


@dataclass(frozen=True, slots=True)
class CameraPlan:
    """One camera: where it stands and how many pseudonyms it may have evaluated in an hour."""

    name: str
    zone: str
    latitude: float
    longitude: float
    evaluations_per_hour: int = 3_900


@dataclass(frozen=True, slots=True)
class ListPlan:
    """One list and its owner. ``list_size`` is the number of entries the grant allows.

    With ``payment_days`` its grant has charging terms: reads are kept on the day and opened when payment has closed.
    """

    owner: str
    list_id: str
    kind: ListKind
    list_size: int
    epoch: EpochRule
    window_seconds: int
    release: ReleaseMode
    daily_releases: int
    disclosure: Disclosure
    purpose: str
    tick_seconds: float = 1.0
    officers: int = 1
    emergency: bool = False
    parameter_set: str = "prompt"
    payment_days: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole deployment. Times are seconds since 1970, UTC; ``addresses`` maps each of ``ADDRESSES`` to ``host:port``.

    ``notice_seconds`` is every grant's notice period, ``counts_seconds`` how often counts are entered in the ledger.
    With ``record_messages`` the servers keep every decrypted message, for a demonstration to search.
    """

    cameras: tuple[CameraPlan, ...]
    lists: tuple[ListPlan, ...]
    addresses: Mapping[str, str]
    begins: int
    days: int = 365
    mode: PseudonymMode = PseudonymMode.OBLIVIOUS
    officers: tuple[str, ...] = ("1", "2")
    workers: int = 1
    window_key_seconds: int = 3600
    release_key_seconds: int = _DAY
    generation: int = 1
    notice_seconds: int = 1
    counts_seconds: float = 3600.0
    record_messages: bool = False

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones that have a camera, in the order first named."""
        return tuple(dict.fromkeys(camera.zone for camera in self.cameras))


def default_plan(
    begins: int, *, cameras: int = 3, first_port: int = 7701, payment_days: int | None = None
) -> Plan:
    """Three cameras in two zones, an emissions list of 5,000 vehicles and a police hotlist of 500, on loopback.

    ``begins`` is when grants come into force (seconds since 1970, UTC); with ``payment_days`` the emissions list is
    charged for in two stages.
    """
    places = ((51.5033, -0.1196), (51.5136, -0.0983), (51.4613, -0.1156))
    return Plan(
        cameras=tuple(
            CameraPlan(f"camera-{number + 1}", ("inner", "outer")[number % 2], *places[number % len(places)])
            for number in range(cameras)
        ),
        lists=(emissions_list(payment_days=payment_days), police_list()),
        addresses={party: f"127.0.0.1:{first_port + offset}" for offset, party in enumerate(ADDRESSES)},
        begins=begins,
    )


def free_addresses() -> dict[str, str]:
    """A loopback address, free now, for every one of ``ADDRESSES``: for a short-lived deployment.

    Below the ports that kernels give to outgoing connections, of which one could take an address before its process does.
    """
    with ExitStack() as bound:
        ports = [_bound(bound) for _ in ADDRESSES]
    return {party: f"127.0.0.1:{port}" for party, port in zip(ADDRESSES, ports, strict=True)}


def emissions_list(
    list_size: int = 5_000,
    epoch: EpochRule = CHARGING_DAY,
    window_seconds: int = 4 * _DAY,
    max_delay_seconds: int = 60,
    payment_days: int | None = None,
) -> ListPlan:
    """An emissions authority's list: released automatically, no camera disclosed, records shuffled and delayed.

    With ``payment_days`` records are held four days longer than that, whatever ``window_seconds``.
    """
    return ListPlan(
        owner="owner-emissions",
        list_id="emissions",
        kind=ListKind.EMISSIONS,
        list_size=list_size,
        epoch=epoch,
        window_seconds=window_seconds if payment_days is None else (payment_days + 4) * _DAY,
        release=ReleaseMode.AUTOMATIC,
        daily_releases=100_000,
        disclosure=Disclosure(
            fields=_EMISSIONS_FIELDS, time_granularity_seconds=3600, max_delay_seconds=max_delay_seconds
        ),
        purpose="Collect the daily charge from vehicles that do not meet the emissions standard.",
        payment_days=payment_days,
    )


def police_list(list_size: int = 500, epoch: EpochRule = HOURLY, window_seconds: int = _DAY) -> ListPlan:
    """A police force's hotlist: every release decided by an officer of each custodian."""
    return ListPlan(
        owner="owner-police",
        list_id="police",
        kind=ListKind.HOTLIST,
        list_size=list_size,
        epoch=epoch,
        window_seconds=window_seconds,
        release=ReleaseMode.MANUAL,
        daily_releases=200,
        disclosure=Disclosure(fields=_POLICE_FIELDS, time_granularity_seconds=60),
        purpose="Find vehicles sought in connection with serious crime.",
    )


def _bound(kept: ExitStack) -> int:
    while True:
        port = secrets.choice(_SHORT_LIVED_PORTS)
        try:
            kept.enter_context(socket.create_server(("127.0.0.1", port)))
        except OSError:
            continue
        return port
