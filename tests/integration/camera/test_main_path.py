"""Event to record through real custodians, and into the real matcher."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from blindplate.client.custodians import CustodianPair
from blindplate.core.domains import Domain
from blindplate.core.plates import canonicalize
from blindplate.core.pseudonyms import pseudonym
from blindplate.edge.clock import SystemClock
from blindplate.edge.settings import load
from blindplate.server.matcher.evaluator import LocalEvaluator
from blindplate.server.matcher.service import Matcher, open_matcher
from blindplate.server.matcher.settings import MatcherSettings
from blindplate.server.matcher.tables import records
from blindplate.server.serving import build_server
from tests.integration.camera.site import Site, marks, plain_events, tls_files


def test_every_read_arrives_once_for_every_list_of_its_zone(site: Site) -> None:
    site.run(site.camera(), plain_events(marks(30)))
    lists = Counter(taken.wire.record.header.domain.list_id for taken in site.matcher.taken.values())
    assert lists == {"emissions": 30, "police": 30}


def test_a_pseudonym_is_the_one_the_owner_computes(site: Site) -> None:
    plate = marks(1)[0]
    site.run(site.camera(), plain_events([plate]))
    (taken,) = [one for one in site.matcher.taken.values() if one.list_id == "police"]
    settings = site.camera()
    domain = Domain("police", "inner", 1)
    tls = tls_files(site.deployment, "owner-police")
    with CustodianPair(settings.custodian_a, settings.custodian_b, tls, settings.trust) as pair:
        (f,) = pair.evaluate(domain, [canonicalize(plate, "GB").encode()], *pair.evaluation_keys(domain))
    assert taken.y == pseudonym(f, taken.wire.record.header.epoch)


def test_events_of_one_pass_are_one_record_a_list(site: Site) -> None:
    plate = marks(1)[0]
    site.run(site.camera(), plain_events([plate] * 5, spacing=1.0))
    assert len(site.matcher.taken) == 2


def test_alternates_arrive_flagged(site: Site) -> None:
    event = plain_events(["KT21ABC"]).replace(
        b'"country"', b'"candidates": [{"plate": "KT21ABD"}], "country"'
    )
    site.run(site.camera(), event)
    flags = Counter((one.list_id, one.wire.record.header.alternate) for one in site.matcher.taken.values())
    assert flags == {(name, flag): 1 for name in ("police", "emissions") for flag in (False, True)}


@pytest.fixture
def real_matcher(site: Site) -> Iterator[Matcher]:
    """The matcher itself in the double's place."""
    site.matcher.stop()
    settings = load(MatcherSettings, site.deployment.settings("matcher"))
    matcher = open_matcher(settings, LocalEvaluator(1 << 28), SystemClock())
    server, _ = build_server(settings.listen, settings.tls, matcher.services)
    matcher.start()
    server.start()
    yield matcher
    server.stop(None).wait()
    matcher.close()


def test_the_matcher_takes_everything_a_camera_makes(site: Site, real_matcher: Matcher) -> None:
    # One read on each side of a police epoch's boundary, and now.
    boundary = time.time() // 3600 * 3600
    lines = [
        plain_events(marks(20), boundary - 0.5),
        plain_events(marks(20, 20), boundary + 0.5, spacing=0),
        plain_events(marks(20, 40)),
    ]
    site.run(site.camera(), b"".join(lines))
    with real_matcher.database.read() as connection:
        held = Counter(connection.execute(select(records.c.list_id)).scalars())
    assert held == {"police": 60, "emissions": 60}


def test_two_cameras_of_two_zones_do_not_meet(site: Site, real_matcher: Matcher) -> None:
    for name in ("camera-1", "camera-2"):
        site.run(site.camera(name), plain_events(marks(5)))
    with real_matcher.database.read() as connection:
        held = Counter(connection.execute(select(records.c.zone)).scalars())
    assert held == {"inner": 10, "outer": 10}
