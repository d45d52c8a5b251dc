"""Key generations that follow each other: what is evaluated shortly before one begins, and shortly after one ended.

Guarantees that a change of generation leaves no gap: an owner has its list evaluated for the coming generation while the
amendment that brings it is under notice, and a camera has evaluated what it captured under the one before. Both only
under a grant that is in force itself, for zones it has now; nothing is matched or released by a generation before its
amendment is in force. Protocol sections 3 and 7; docs/spec/grants.md section 6.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Final

from blindplate.core.domains import Domain
from blindplate.core.ledger.grants import GrantHistory
from blindplate.core.statements.grants import Grant

# What a camera captured in the last moments of a generation waits in its memory no longer than this, when custodians
# were away for instance. A camera's quota is one for both generations.
GRACE_SECONDS: Final = 600


def ahead(histories: Collection[GrantHistory], domain: Domain, moment: float) -> Grant | None:
    """The amendment to come after ``moment`` that renews the generation of a zone which the one in force has.

    With the smaller daily quota of the two: a larger one is under notice like everything else of it. None where one in
    force names ``domain`` itself, or none to come does. ``histories`` are in force.
    """
    if _is_open(histories, domain, moment):
        return None
    for history in histories:
        present = history.at(moment)
        if domain.zone not in {zone.zone for zone in present.zones}:
            continue
        for amendment in history.during(moment, math.inf):
            if domain in amendment.grant.domains():
                daily = min(present.evaluations_per_day, amendment.grant.evaluations_per_day)
                return amendment.grant.model_copy(update={"evaluations_per_day": daily})
    return None


def just_ended(histories: Collection[GrantHistory], domain: Domain, moment: float) -> Grant | None:
    """The amendment that named ``domain`` and was followed by another less than ``GRACE_SECONDS`` before ``moment``.

    None where one in force names it. ``histories`` are in force.
    """
    if _is_open(histories, domain, moment):
        return None
    recent = (one for history in histories for one in history.during(moment - GRACE_SECONDS, moment))
    return next((one.grant for one in recent if domain in one.grant.domains()), None)


def _is_open(histories: Collection[GrantHistory], domain: Domain, moment: float) -> bool:
    return any(domain in history.at(moment).domains() for history in histories)
