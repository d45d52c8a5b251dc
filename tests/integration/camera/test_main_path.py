"""Event to record through real custodians: what the matcher gets is what the owner's side computes, and no more."""

from __future__ import annotations

from collections import Counter

from tests.integration.camera.site import Site, marks, plain_events


def test_every_read_arrives_once_for_every_list_of_its_zone(site: Site) -> None:
    site.run(site.camera(), plain_events(marks(30)))
    lists = Counter(taken.wire.record.header.domain.list_id for taken in site.matcher.taken.values())
    assert lists == {"emissions": 30, "police": 30}
