"""Distance between two coordinates, in whole numbers: the same answer on every machine.

Formula (docs/merge.md, "Location"): 1 micro-degree of latitude = 111,320 micrometres; a micro-degree of longitude is
that times cos(latitude), with cos x = 1 - x^2/2 in parts per million, exact to 0.01 % within 11 degrees of the
equator, where Indonesia lies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MICROMETRES_PER_MICRODEGREE = 111_320
NEAR_MICROMETRES = 50_000_000
"""50 m."""


def within_50_m(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether two points `{"lat", "lon"}` in micro-degrees are at most 50 m apart."""
    north = (int(a["lat"]) - int(b["lat"])) * MICROMETRES_PER_MICRODEGREE
    middle_millidegrees = abs(int(a["lat"]) + int(b["lat"])) // 2_000
    cosine_ppm = max(0, 1_000_000 - 1523 * middle_millidegrees**2 // 10_000_000)
    east = (int(a["lon"]) - int(b["lon"])) * MICROMETRES_PER_MICRODEGREE * cosine_ppm // 1_000_000
    return north * north + east * east <= NEAR_MICROMETRES**2
