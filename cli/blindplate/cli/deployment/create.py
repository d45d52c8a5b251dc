"""Write a deployment: every party's folder with keys and settings, and the public statements between them.

    DIR/ca                      the authority (its key stays here)
    DIR/public                  grants, zone registers and zone policies, for everyone to read
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
from blindplate.cli.deployment.plan import SERVERS, Plan
from blindplate.cli.deployment.statements import Signers, sign_grants, sign_policies, sign_registers
from blindplate.core.errors import SettingsError
from blindplate.core.signing import SigningKey
from blindplate.edge.keyfiles import write_public, write_secret

_SEED_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where a deployment lies and what it was made from."""

    folder: Path
    plan: Plan

    def settings(self, party: str) -> Path:
        """The settings file of a party, as in ``matcher`` or ``camera-1``."""
        kind = party.split("-")[0]
        return self.folder / party / f"{kind}.toml"

    @property
    def public(self) -> Path:
        """The folder of statements that everyone may read."""
        return self.folder / "public"


@dataclass(slots=True)
class _Keys:
    signing: dict[str, SigningKey]
    seeds: dict[str, bytes]


def create_deployment(folder: Path, plan: Plan) -> Deployment:
    """Make ``plan`` in ``folder``. Raises SettingsError when the folder is there and not empty."""
    if folder.exists() and any(folder.iterdir()):
        raise SettingsError(f"The folder {folder} is not empty.", "Name a new folder.")
    deployment = Deployment(folder, plan)
    authority = Authority(plan.begins, plan.days)
    authority.save(folder / "ca")
    keys = _Keys({}, {})
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
    for party in identities:
        if party != "operator":
            _write_settings(deployment, party, _settings(deployment, keys, party), trust)
    return deployment


def _parties(plan: Plan) -> list[str]:
    officers = [f"officer-{custodian}-{name}" for custodian in ("a", "b") for name in plan.officers]
    cameras = [camera.name for camera in plan.cameras]
    return ["operator", *SERVERS, *cameras, *(entry.owner for entry in plan.lists), *officers]


def _enrol(deployment: Deployment, authority: Authority, keys: _Keys, party: str) -> str:
    folder = deployment.folder / party
    folder.mkdir(mode=0o700, parents=True)
    keys.signing[party] = SigningKey.generate()
    write_secret(folder / "signing.key", keys.signing[party].seed)
    if party.startswith("custodian"):
        keys.seeds[party] = os.urandom(_SEED_BYTES)
        write_secret(folder / "pseudonyms.seed", keys.seeds[party])
    return authority.issue(folder, party.split("-")[0], party, server=party in SERVERS)


def _settings(deployment: Deployment, keys: _Keys, party: str) -> dict[str, Any]:
    plan = deployment.plan
    kind = party.split("-")[0]
    files = {name: f"../public/{name}" for name in ("grants", "registers")}
    if plan.record_messages:
        files["record_messages"] = "messages.bin"
    custodians = {f"custodian_{name}": plan.addresses[f"custodian-{name}"] for name in ("a", "b")}
    if kind == "matcher":
        return {
            "listen": plan.addresses[party],
            **files,
            "workers": plan.workers,
            "window_key_seconds": plan.window_key_seconds,
        }
    if kind == "custodian":
        which = party.removeprefix("custodian-")
        officers = [f"officer-{which}-{name}" for name in plan.officers]
        return {
            "custodian": which,
            "listen": plan.addresses[party],
            **files,
            "policies": "../public/policies",
            "pseudonym_seed": "pseudonyms.seed",
            "release_key_seconds": plan.release_key_seconds,
            "officers": [{"name": name, "public": keys.signing[name].public.hex()} for name in officers],
        }
    if kind == "camera":
        camera = next(camera for camera in plan.cameras if camera.name == party)
        return {
            "camera_id": party,
            "policy": f"../public/policies/{camera.zone}.json",
            "matcher": plan.addresses["matcher"],
            **custodians,
            "latitude": camera.latitude,
            "longitude": camera.longitude,
        }
    if kind == "owner":
        entry = next(entry for entry in plan.lists if entry.owner == party)
        return {
            "name": party,
            "grant": f"../public/grants/{entry.list_id}.json",
            "matcher": plan.addresses["matcher"],
            **custodians,
            "automatic_release": entry.release.value == "automatic",
        }
    which = party.split("-")[1]
    return {"name": party, "custodian": which, "address": plan.addresses[f"custodian-{which}"]}


def _write_settings(
    deployment: Deployment, party: str, settings: dict[str, Any], trust: dict[str, str]
) -> None:
    content = {
        **settings,
        **({} if party.startswith("officer") else {"data": "state"}),
        "signing_key": "signing.key",
        "tls": {"certificate": "tls.crt", "key": "tls.key", "authority": "ca.crt"},
        "trust": trust,
    }
    write_public(deployment.settings(party), tomli_w.dumps(content).encode())
