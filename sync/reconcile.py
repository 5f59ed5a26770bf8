"""Reconciliation with a registry: what stands there against what our receipts say. Pure; rows in, differences out.

Nightly by digest per region; only where the digests differ are the rows fetched and compared. After an epoch change
delivery is frozen until this is clean (protocol.md, "Registry delivery").
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Row = tuple[str, int, str]
"""`(household id, version, content digest)` of a record that stands."""


@dataclass(frozen=True, slots=True)
class Differences:
    """Household ids, ascending. `missing_there`: we hold a receipt, the registry has nothing standing.

    `unknown_here`: it stands there without a receipt of ours (a restored server lost it): the receipt is asked for.
    `newer_there`: likewise, with a higher version. `older_there`: the registry lost a version. `other_content`: the
    same version with other content: only a person can say why.
    """

    missing_there: tuple[str, ...] = ()
    unknown_here: tuple[str, ...] = ()
    newer_there: tuple[str, ...] = ()
    older_there: tuple[str, ...] = ()
    other_content: tuple[str, ...] = ()

    def clean(self) -> bool:
        """Whether both sides say the same."""
        return self == Differences()


def differences(ours: Iterable[Row], theirs: Iterable[Row]) -> Differences:
    """Compare a region's standing records by household id, version and content digest."""
    here = {household: (version, digest) for household, version, digest in ours}
    there = {household: (version, digest) for household, version, digest in theirs}
    both = sorted(here.keys() & there.keys())
    return Differences(
        tuple(sorted(here.keys() - there.keys())),
        tuple(sorted(there.keys() - here.keys())),
        tuple(one for one in both if there[one][0] > here[one][0]),
        tuple(one for one in both if there[one][0] < here[one][0]),
        tuple(one for one in both if there[one][0] == here[one][0] and there[one][1] != here[one][1]),
    )
