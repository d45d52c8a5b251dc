"""``blindplate-camera``: a camera's command line with nothing but the base installation.

The same as ``blindplate camera``, which the ``cli`` extra brings.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from blindplate.client.camera.events import known_formats
from blindplate.client.camera.folder import FolderSource
from blindplate.client.camera.http_push import HttpSource
from blindplate.client.camera.mqtt import MqttSource
from blindplate.client.camera.process import Source, run_source
from blindplate.client.camera.settings import CameraSettings
from blindplate.client.camera.source import StreamSource
from blindplate.core.errors import BlindplateError
from blindplate.edge.settings import load


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. The exit status: 0, or 1 after one line on standard error that says why not."""
    options = _parser().parse_args(arguments)
    try:
        settings = load(CameraSettings, options.config)
        if options.push:
            _run(options, settings, HttpSource(settings.push))
        elif options.mqtt:
            _run(options, settings, MqttSource(settings.mqtt, settings.camera_id))
        elif options.folder is not None:
            _run(options, settings, FolderSource(options.folder))
        elif str(options.input) == "-":
            _run(options, settings, StreamSource(sys.stdin.buffer, options.follow))
        else:
            with options.input.open("rb") as file:
                _run(options, settings, StreamSource(file, options.follow))
    except (BlindplateError, OSError) as error:
        sys.stderr.write(f"blindplate-camera: {error}\n")
        return 1
    return 0


def _run(options: argparse.Namespace, settings: CameraSettings, source: Source) -> None:
    run_source(settings, source, options.format, exit_when_drained=options.exit_when_drained)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="blindplate-camera", description="Seal ANPR events for matching.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("run", help="read events, seal them, hand them in")
    command.add_argument("config", type=Path, metavar="CONFIG", help="the camera's settings file (TOML)")
    command.add_argument(
        "--format",
        choices=known_formats(),
        default="plain",
        metavar="NAME",
        help=f"what the engine sends: {', '.join(known_formats())}",
    )
    sources = command.add_mutually_exclusive_group()
    sources.add_argument(
        "--input",
        type=Path,
        default=Path("-"),
        metavar="FILE",
        help="events, one message a line; - (the default) for standard input",
    )
    sources.add_argument("--folder", type=Path, metavar="DIR", help="events, one a file; deleted once sealed")
    sources.add_argument("--push", action="store_true", help="events by HTTP POST, where the settings say")
    sources.add_argument("--mqtt", action="store_true", help="events from the broker the settings name")
    command.add_argument("--follow", action="store_true", help="wait for more at the end of the input")
    command.add_argument(
        "--exit-when-drained", action="store_true", help="end once the input ended and all is handed in"
    )
    return parser
