"""Reading source lists (P3KE, DTSEN, DTKS, usulan) from CSV and XLSX. Reads files; stores nothing, knows no flow."""

from server.prelist.families import read_prelist
from server.prelist.mapping import ColumnMapping, MappingError, builtin_mappings, load_mapping
from server.prelist.report import PrelistReport, dry_run
from server.prelist.sources import PrelistUnreadable

__all__ = [
    "ColumnMapping",
    "MappingError",
    "PrelistReport",
    "PrelistUnreadable",
    "builtin_mappings",
    "dry_run",
    "load_mapping",
    "read_prelist",
]
