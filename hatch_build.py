"""Build hook: the wheel and the sdist carry what is built, not kept in git: the areas, the forms, the tablet app.

What is built already is used as it is, so that a wheel can be made from an sdist without npm fetching anything.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))


class BuiltFiles(BuildHookInterface):  # type: ignore[type-arg]
    """Builds what is missing under field_forms/built/ before files are collected."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build; an editable install builds nothing, there `make` does."""
        if version == "editable":
            return
        from field_forms.areas.build import build_areas
        from field_forms.built import built_forms
        from field_forms.tablet.build import build_tablet

        build_areas()
        built_forms()
        build_tablet()
        build_data["artifacts"].append("/field_forms/built/")
