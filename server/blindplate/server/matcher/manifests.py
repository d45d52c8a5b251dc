"""Whether an upload's manifest is one to act on: signed by the owner, inside the grant, for a plausible epoch.

Guarantees that nothing is stored for a manifest whose signature, grant, owner, list, epoch, parameter set or sizes
do not all hold, and that no list to open kept reads is taken before payment for their day has closed. The ciphertexts are checked against it in ``uploads``. Protocol sections 5, 7
and 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from blindplate.core.charging import payment_closes
from blindplate.core.domains import Epoch
from blindplate.core.errors import ExpiredError, GrantError, ParameterError, TooEarlyError, UploadError
from blindplate.core.signing import Statement
from blindplate.core.statements.grants import Grant
from blindplate.core.statements.uploads import Manifest, Stage
from blindplate.psi.layout import Layout, declared
from blindplate.psi.parameters import ParameterSet, load_set
from blindplate.server.matcher.epochs import epoch_name
from blindplate.server.matcher.grants import Grants, hold_seconds
from blindplate.server.matcher.segments_store import Segment

# Besides two epochs, so that short ones can be uploaded in time too.
_AHEAD_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Expected:
    """What the rest of the upload must be."""

    segment: Segment
    manifest: Manifest
    grant: Grant
    parameters: ParameterSet
    layout: Layout


def judge(statement: Statement, owner: str, grants: Grants, max_bytes: int, now: float) -> Expected:
    """Judge the manifest sent by ``owner`` (a SPIFFE id) at ``now`` (seconds since 1970, UTC).

    The amendment that counts is the one in force at the epoch's beginning, or now if that is past. Raises MessageError
    for a malformed one, GrantError, SignatureError, ExpiredError for an epoch that is over or too far ahead,
    TooEarlyError for one that would open a day before payment for it has closed, ParameterError for another parameter
    set, UploadError for sizes that do not fit.
    """
    # Read once to learn which key must have signed it; only the verified reading is acted on.
    claimed = Manifest.parsed(statement.payload)
    grant = grants.acting(claimed.grant_id, now, max(now, claimed.epoch.epoch().start()))
    grant.require_owner(owner)
    manifest = Manifest.verified(statement, [grant.owner_key])
    if manifest.list_id != grant.list_id:
        raise GrantError("A manifest names another list than its grant.", "Name the list of the grant.")
    epoch = manifest.epoch.epoch()
    # Reads of the epoch may have come, or come, under another amendment than this one.
    hold = max(hold_seconds(one.grant) for one in grants.history(grant.grant_id).amendments)
    _require_epoch(epoch, manifest, grants, grant, now, hold)
    _require_stage(manifest.stage, epoch, grants.during(grant.grant_id, epoch) or (grant,), now)
    parameters, layout = _require_shape(manifest, grant)
    if layout.upload_bytes > max_bytes:
        raise UploadError(
            f"A segment of {layout.upload_bytes} bytes is larger than the matcher takes ({max_bytes}).",
            "Split the list into segments.",
        )
    segment = Segment(
        segment_id=statement.statement_id,
        grant_id=grant.grant_id,
        list_id=grant.list_id,
        epoch=epoch_name(epoch),
        number=manifest.number,
        list_version=manifest.list_version,
        stage=manifest.stage,
        size=manifest.bins * manifest.degree,
        file_bytes=layout.upload_bytes,
        matches_from=manifest.matches_from,
        matches_until=None,
        ends_ms=round(1000 * (epoch.end() + hold)),
        manifest_json=statement.to_json(),
    )
    return Expected(segment, manifest, grant, parameters, layout)


def _require_epoch(
    epoch: Epoch, manifest: Manifest, grants: Grants, grant: Grant, now: float, hold: int
) -> None:
    if epoch.rule != grant.epoch.rule():
        raise GrantError(
            "A manifest's epoch is not cut as its grant says.", "Upload for the epochs of the grant."
        )
    start, end = epoch.start(), epoch.end()
    # One that was over when this amendment began may have begun under the one before it, and its reads may still come.
    before = end <= grant.not_before and not grants.during(grant.grant_id, epoch)
    if before or start >= grant.not_after:
        raise GrantError("A manifest's epoch lies outside its grant.", "Ask for a grant that covers it.")
    if end + hold <= now:
        raise ExpiredError(
            "A manifest's epoch is over, and so are its reads' windows.", "Upload the coming epochs."
        )
    if start > now + 2 * (end - start) + _AHEAD_SECONDS:
        raise ExpiredError("A manifest's epoch lies too far ahead.", "Upload it nearer to its start.")
    if manifest.matches_from >= end:
        raise UploadError(
            "A segment would match only reads after its epoch.", "Give it an earlier beginning."
        )


def _require_stage(stage: Stage, epoch: Epoch, terms: Sequence[Grant], now: float) -> None:
    """``terms`` are the amendments under which reads of the epoch may be captured."""
    payment_days = [one.charging.payment_days for one in terms if one.charging is not None]
    if stage is Stage.MATCH:
        if len(payment_days) == len(terms):
            raise GrantError(
                "A segment would match the reads of a charging day at once; its grant has them kept, then opened.",
                "Upload a segment of stage keep, and one of stage open when payment has closed.",
            )
    elif not payment_days:
        raise GrantError(
            f"A segment is of stage {stage}, which is for grants with charging terms alone.",
            "Upload a segment of stage match.",
        )
    elif stage is Stage.OPEN and now < max(payment_closes(epoch, days) for days in payment_days):
        raise TooEarlyError(
            "A segment would open reads of a charging day before payment for it has closed.",
            "Upload it when payment has closed, by the matcher's clock.",
        )


def _require_shape(manifest: Manifest, grant: Grant) -> tuple[ParameterSet, Layout]:
    if manifest.parameter_set != grant.parameter_set:
        raise ParameterError(
            f"A manifest is of parameter set {manifest.parameter_set}; its grant prescribes {grant.parameter_set}.",
            "Upload the list under the set of the grant.",
        )
    parameters = load_set(manifest.parameter_set)
    if manifest.parameter_digest != parameters.digest:
        raise ParameterError(
            "A manifest's parameter set is not the one of that name here.",
            "Bring the owner and the matcher to the same release.",
        )
    layout = declared(manifest.bins, manifest.degree, parameters)
    if manifest.ciphertexts != layout.blobs:
        raise UploadError("A manifest's number of ciphertexts does not fit its degree.")
    if manifest.bins * manifest.degree > grant.capacity:
        raise GrantError(
            f"A list of {manifest.bins * manifest.degree} places exceeds its grant's {grant.capacity}.",
            "Upload a smaller list, or ask for an amended grant.",
        )
    return parameters, layout
