"""All areas of the country, from the files that `field_forms/areas/build.py` writes. Reads files; never the network."""

from field_forms.areas.load import AreasMissing, built_folder, load_areas, load_retired_prefixes

__all__ = ["AreasMissing", "built_folder", "load_areas", "load_retired_prefixes"]
