"""Plain names: a file's column names as identifiers that SQL and Python can say without quotes."""

import re
import unicodedata
from collections.abc import Iterable
from keyword import iskeyword

# Names that the warehouse's own columns have, where rows are kept or predictions are shown.
_TAKEN = {"as_of", "run_id", "partition_date", "model_version", "leakage_allowed", "published_at"}
_TAKEN |= {"ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"}
_LONGEST = 30


def plain_names(names: Iterable[str]) -> list[str]:
    """Turn column names into lower-case identifiers that need no quotes, each of them different."""
    from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS

    found: dict[str, None] = {}
    for position, name in enumerate(names, start=1):
        ascii_only = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
        parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", ascii_only)
        plain = re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")[:_LONGEST].strip("_")
        if not plain or plain[0].isdigit():
            plain = f"column_{plain or position}"
        if plain in RESERVED_WORDS or plain in _TAKEN or iskeyword(plain):
            plain = f"{plain}_value"
        number = 2
        unique = plain
        while unique in found:
            unique, number = f"{plain}_{number}", number + 1
        found[unique] = None
    return list(found)
