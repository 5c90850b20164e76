"""Writes of the importer, and the look at a file before it is imported."""

from tongpan.connectors.actions.columns import ColumnFit, FileColumns, columns_of, mapping_with
from tongpan.connectors.actions.imports import (
    discard_upload,
    import_path,
    plan_upload,
    run_import,
    store_upload,
    unlock_upload,
    upload_path,
)
from tongpan.connectors.actions.preview import Detection, Preview, detect, preview
from tongpan.connectors.actions.running import Progress
from tongpan.connectors.actions.shops import NewShop

__all__ = [
    "ColumnFit",
    "Detection",
    "FileColumns",
    "NewShop",
    "Preview",
    "Progress",
    "columns_of",
    "detect",
    "discard_upload",
    "import_path",
    "mapping_with",
    "plan_upload",
    "preview",
    "run_import",
    "store_upload",
    "unlock_upload",
    "upload_path",
]
