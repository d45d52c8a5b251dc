"""``blindplate camera``: one camera's process; and for the operator cameras listed, enrolled, suspected and revoked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from blindplate.cli.commands.settings_file import SettingsFile

app = typer.Typer(help="A camera; and the cameras, for the operator.", no_args_is_help=True)

CameraName = Annotated[str, typer.Argument(metavar="CAMERA", help="Its name in the zone's register.")]
InZone = Annotated[
    str | None, typer.Option("--zone", metavar="ZONE", help="Its zone, where two have one of that name.")
]
PublicReason = Annotated[str, typer.Option("--reason", help="Why; it is public.")]
Papers = Annotated[
    Path, typer.Option("--papers", metavar="DIR", help="Where the register and the amendments to sign go.")
]
Margin = Annotated[
    float,
    typer.Option(
        "--margin-hours",
        min=0,
        help="Time for countersigning before the longest notice period begins to run.",
    ),
]
Address = Annotated[
    str | None,
    typer.Option("--matcher", metavar="HOST:PORT", help="The matcher, where the settings name none."),
]


@app.callback()
def group() -> None:
    """A camera; and the cameras, for the operator."""


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)
def run(context: typer.Context) -> None:
    """Take ANPR events, seal reads and send them; the same as the command blindplate-camera of the base package."""
    from blindplate.client.camera.command import main

    sys.exit(main(["run", *context.args]))


@app.command("list")
def list_cameras(operator: SettingsFile, matcher: Address = None) -> None:
    """Every camera of the ledger's registers: its state, and when the matcher last heard of it."""
    from blindplate.cli.cameras.table import listed_table
    from blindplate.client.grants import cameras
    from blindplate.client.grants.party import GrantPartySettings
    from blindplate.core.errors import UnavailableError
    from blindplate.edge.clock import SystemClock
    from blindplate.edge.ledger.snapshot import read_ledger

    settings = GrantPartySettings.read(operator)
    address, seen, heard = matcher or settings.matcher, dict[str, cameras.SeenCamera](), False
    if address is not None:
        try:
            seen, heard = cameras.seen_by_matcher(address, settings.tls), True
        except UnavailableError:
            # What the ledger says is worth showing without.
            heard = False
    with read_ledger(settings.ledger, settings.trust) as state:
        Console().print(listed_table(cameras.listed(state, seen), SystemClock().now(), heard=heard))


@app.command()
def suspect(operator: SettingsFile, camera: CameraName, reason: PublicReason, zone: InZone = None) -> None:
    """Put a camera under suspicion: its reads count, on a quarter of its quota, until it is enrolled or revoked."""
    from blindplate.cli.cameras.changing import tell
    from blindplate.core.statements.cameras import CameraStanding

    tell(operator, camera, zone, CameraStanding.SUSPECT, reason)


@app.command()
def clear(operator: SettingsFile, camera: CameraName, reason: PublicReason, zone: InZone = None) -> None:
    """End a suspicion: the camera is enrolled as before."""
    from blindplate.cli.cameras.changing import tell
    from blindplate.core.statements.cameras import CameraStanding

    tell(operator, camera, zone, CameraStanding.ENROLLED, reason)


@app.command()
def revoke(
    operator: SettingsFile,
    camera: CameraName,
    reason: PublicReason,
    papers: Papers,
    zone: InZone = None,
    margin_hours: Margin = 24.0,
) -> None:
    """Cut a camera off, now and for good, and begin its zone's next key generation without it."""
    from blindplate.cli.cameras.changing import begin_without, tell
    from blindplate.core.statements.cameras import CameraStanding

    of_zone, revoked = tell(operator, camera, zone, CameraStanding.REVOKED, reason)
    begin_without(operator, of_zone, revoked, papers, 3600 * margin_hours)


@app.command()
def enrol(
    operator: SettingsFile,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new camera's name.")],
    zone: Annotated[str, typer.Option("--zone", metavar="ZONE", help="The zone it is to be of.")],
    latitude: Annotated[float, typer.Option(min=-90, max=90)],
    longitude: Annotated[float, typer.Option(min=-180, max=180)],
    papers: Papers,
    reason: PublicReason = "Enrolled.",
    public_key: Annotated[
        str | None, typer.Option(metavar="HEX", help="Its signing key, where it has made its own.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Else: where to make its keys and settings.")
    ] = None,
    authority: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder of the authority's ca.crt and ca.key.")
    ] = None,
    like: Annotated[
        Path | None, typer.Option(metavar="TOML", help="The settings of another camera of the zone.")
    ] = None,
    evaluations_per_hour: Annotated[int, typer.Option(min=1, max=1_000_000)] = 3_900,
    old_certificate_gone: Annotated[
        bool,
        typer.Option(
            "--old-certificate-gone",
            help="Of a name that was revoked: whoever has the old device cannot use its certificate any more.",
        ),
    ] = False,
    margin_hours: Margin = 24.0,
) -> None:
    """Enrol a camera, and begin its zone's next key generation with it."""
    from blindplate.cli.cameras.changing import Enrolment, begin_with
    from blindplate.cli.cameras.enrolling import NewCamera

    camera = NewCamera(name, latitude, longitude, evaluations_per_hour)
    enrolment = Enrolment(camera, zone, public_key, folder, authority, like, old_certificate_gone, reason)
    begin_with(operator, enrolment, papers, 3600 * margin_hours)
