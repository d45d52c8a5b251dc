"""Write a deployment: every party's folder with keys and settings, and the public statements between them.

    DIR/ca                      the authority (its key stays here)
    DIR/public                  the pinned public keys; grants, zone registers, zone policies and assessments as papers
    DIR/ledger                  the ledger's public files: everything an auditor needs besides the keys
    DIR/PARTY                   one folder a process: settings, certificate, keys (mode 0600)

Guarantees that no key is in two parties' folders. It plays operator and custodians at once, which real ones must
not allow: there each party makes its own keys and signs on its own machine.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import tomli_w

from blindplate.cli.deployment.authority import Authority
from blindplate.cli.deployment.genesis import genesis
from blindplate.cli.deployment.plan import LEDGER_HTTP, SERVERS, Plan
from blindplate.cli.deployment.statements import (
    Signers,
    grant_name,
    sign_grants,
    sign_policies,
    sign_registers,
)
from blindplate.cli.deployment.witnessing import ORIGIN, ledger_keys
from blindplate.client.auditor.keys import keys_file
from blindplate.core.errors import SettingsError
from blindplate.core.signing import SigningKey
from blindplate.edge.keyfiles import write_public, write_secret
from blindplate.edge.settings import LedgerKeysPart, load
from blindplate.server.ledger.process import create_genesis
from blindplate.server.ledger.settings import LedgerSettings

_SEED_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where a deployment lies and what it was made from."""

    folder: Path
    plan: Plan

    def home(self, party: str) -> Path:
        """The folder of a party's own, as of ``matcher`` or ``camera-1``."""
        return self.folder / ("ledger-keeper" if party == "ledger" else party)

    def settings(self, party: str) -> Path:
        """The settings file of a party."""
        kind = party.split("-")[0]
        return self.home(party) / f"{kind}.toml"

    @property
    def ledger(self) -> Path:
        """The folder of the ledger's public files."""
        return self.folder / "ledger"

    @property
    def keys(self) -> Path:
        """The file of the public keys that everyone pins, as the auditor takes it."""
        return self.public / "keys.toml"

    @property
    def public(self) -> Path:
        """The folder of statements that everyone may read."""
        return self.folder / "public"


@dataclass(slots=True)
class _Keys:
    signing: dict[str, SigningKey]
    seeds: dict[str, bytes]
    witnesses: dict[str, bytes]

    def ledger_keys(self) -> LedgerKeysPart:
        return ledger_keys(
            self.signing["ledger"].seed, self.witnesses["custodian-a"], self.witnesses["custodian-b"]
        )


def create_deployment(folder: Path, plan: Plan) -> Deployment:
    """Make ``plan`` in ``folder``. Raises SettingsError when the folder is there and not empty."""
    if folder.exists() and any(folder.iterdir()):
        raise SettingsError(f"The folder {folder} is not empty.", "Name a new folder.")
    deployment = Deployment(folder, plan)
    authority = Authority(plan.begins, plan.days)
    authority.save(folder / "ca")
    keys = _Keys({}, {}, {})
    identities = {party: _enrol(deployment, authority, keys, party) for party in _parties(plan)}
    signers = Signers(
        operator=keys.signing["operator"],
        custodian_a=keys.signing["custodian-a"],
        custodian_b=keys.signing["custodian-b"],
        matcher=keys.signing["matcher"].public,
        cameras={camera.name: keys.signing[camera.name].public for camera in plan.cameras},
        owners={entry.owner: keys.signing[entry.owner].public for entry in plan.lists},
        identities=identities,
        seed_a=keys.seeds["custodian-a"],
        seed_b=keys.seeds["custodian-b"],
    )
    registers = sign_registers(deployment.public, plan, signers)
    sign_grants(deployment.public, plan, signers, registers)
    sign_policies(deployment.public, plan, signers)
    trust = {
        "operator": signers.operator.public.hex(),
        "custodian_a": signers.custodian_a.public.hex(),
        "custodian_b": signers.custodian_b.public.hex(),
        "matcher": signers.matcher.hex(),
    }
    access = {
        "address": plan.addresses["ledger"],
        "url": f"http://{plan.addresses[LEDGER_HTTP]}",
        "keys": keys.ledger_keys().model_dump(mode="json"),
    }
    for party in identities:
        _write_settings(deployment, party, _settings(deployment, keys, party, access), trust)
    parties = load(LedgerSettings, deployment.settings("ledger")).trust.parties()
    write_public(deployment.keys, keys_file(parties, keys.ledger_keys()).encode())
    first = genesis(deployment.public, plan, signers, registers)
    create_genesis(
        load(LedgerSettings, deployment.settings("ledger")), first.entries, first.documents, plan.begins
    )
    return deployment


def _parties(plan: Plan) -> list[str]:
    officers = [f"officer-{custodian}-{name}" for custodian in ("a", "b") for name in plan.officers]
    cameras = [camera.name for camera in plan.cameras]
    return ["operator", *SERVERS, *cameras, *(entry.owner for entry in plan.lists), *officers]


def _enrol(deployment: Deployment, authority: Authority, keys: _Keys, party: str) -> str:
    folder = deployment.home(party)
    folder.mkdir(mode=0o700, parents=True)
    keys.signing[party] = SigningKey.generate()
    write_secret(folder / "signing.key", keys.signing[party].seed)
    if party.startswith("custodian"):
        keys.seeds[party] = os.urandom(_SEED_BYTES)
        write_secret(folder / "pseudonyms.seed", keys.seeds[party])
        keys.witnesses[party] = os.urandom(_SEED_BYTES)
        write_secret(folder / "witness.key", keys.witnesses[party])
    return authority.issue(folder, party.split("-")[0], party, server=party in SERVERS)


def _settings(deployment: Deployment, keys: _Keys, party: str, access: dict[str, Any]) -> dict[str, Any]:
    plan = deployment.plan
    kind = party.split("-")[0]
    recorded = {"record_messages": "messages.bin"} if plan.record_messages else {}
    custodians = {f"custodian_{name}": plan.addresses[f"custodian-{name}"] for name in ("a", "b")}
    matcher = {"matcher": plan.addresses["matcher"]}
    match kind:
        case "ledger":
            return _ledger_settings(deployment, access)
        case "matcher":
            return {
                "listen": plan.addresses[party],
                **recorded,
                "workers": plan.workers,
                "window_key_seconds": plan.window_key_seconds,
                "counts_seconds": plan.counts_seconds,
                "ledger": access,
            }
        case "custodian":
            return {**recorded, **_custodian_settings(plan, keys, party), "ledger": access}
        case "camera":
            camera = next(camera for camera in plan.cameras if camera.name == party)
            return {
                "camera_id": party,
                "policy": f"../public/policies/{camera.zone}.json",
                **matcher,
                **custodians,
                "latitude": camera.latitude,
                "longitude": camera.longitude,
                "counts_seconds": plan.counts_seconds,
                "ledger": access,
            }
        case "owner":
            entry = next(entry for entry in plan.lists if entry.owner == party)
            return {
                "name": party,
                "grant": grant_name(entry),
                **matcher,
                **custodians,
                "automatic_release": entry.release.value == "automatic",
                "ledger": access,
            }
        case "officer":
            which = party.split("-")[1]
            return {
                "name": party,
                "custodian": which,
                "address": plan.addresses[f"custodian-{which}"],
                **custodians,
                "ledger": access,
            }
        case _:
            return {"name": party, **matcher, "ledger": access}


def _ledger_settings(deployment: Deployment, access: dict[str, Any]) -> dict[str, Any]:
    addresses = deployment.plan.addresses
    return {
        "listen": addresses["ledger"],
        "http": addresses[LEDGER_HTTP],
        "public": "../ledger",
        "head": "state/head.sqlite",
        "origin": ORIGIN,
        "ledger_keys": access["keys"],
        "witness_a": addresses["custodian-a"],
        "witness_b": addresses["custodian-b"],
    }


def _custodian_settings(plan: Plan, keys: _Keys, party: str) -> dict[str, Any]:
    which = party.removeprefix("custodian-")
    other = "b" if which == "a" else "a"
    officers = [f"officer-{which}-{name}" for name in plan.officers]
    return {
        "custodian": which,
        "listen": plan.addresses[party],
        "policies": "../public/policies",
        "pseudonym_seed": "pseudonyms.seed",
        "witness_key": "witness.key",
        "other_custodian": plan.addresses[f"custodian-{other}"],
        "release_key_seconds": plan.release_key_seconds,
        "counts_seconds": plan.counts_seconds,
        "officers": [{"name": name, "public": keys.signing[name].public.hex()} for name in officers],
        "subject_officers": [f"officer-b-{name}" for name in plan.officers],
    }


def _write_settings(
    deployment: Deployment, party: str, settings: dict[str, Any], trust: dict[str, str]
) -> None:
    content = {
        **settings,
        **({} if party.startswith(("officer", "operator", "ledger")) else {"data": "state"}),
        "signing_key": "signing.key",
        "tls": {"certificate": "tls.crt", "key": "tls.key", "authority": "ca.crt"},
        "trust": trust,
    }
    write_public(deployment.settings(party), tomli_w.dumps(content).encode())
