"""Zone policies, as far as they concern this custodian: whether cameras are told the evaluation keys it really has.

A custodian restored with another seed would answer every camera with evaluations that fail their proof. Found here,
that is one warning at start instead of a silent zone. Protocol section 3.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from blindplate.core.domains import Domain
from blindplate.core.errors import SettingsError
from blindplate.core.parties import Custodian
from blindplate.core.statements.policies import ZonePolicy
from blindplate.edge.settings import TrustedKeys
from blindplate.server.signed_folder import Problem, SignedFolder


def policy_folder(folder: Path, trust: TrustedKeys) -> SignedFolder[ZonePolicy]:
    """The zone policies of a folder that both custodians signed."""
    return SignedFolder(folder, ZonePolicy, (trust.custodian_a, trust.custodian_b))


def policy_problems(
    policies: SignedFolder[ZonePolicy], custodian: Custodian, public: Callable[[Domain], bytes]
) -> list[Problem]:
    """Every policy that does not verify, or that names a key which is not ``public`` of its domain.

    Raises StorageError when the folder cannot be read.
    """
    contents = policies.current()
    problems = list(contents.problems)
    for loaded in contents.statements:
        for entry in loaded.model.lists:
            named = entry.evaluation_key_a if custodian is Custodian.A else entry.evaluation_key_b
            if named != public(loaded.model.domain(entry)):
                error = SettingsError(
                    f"The policy names a key for list {entry.list_id} that this custodian does not have.",
                    "Restore the pseudonym seed of the time the policy was signed, or sign a new policy.",
                )
                problems.append(Problem(loaded.file, error))
    return problems
