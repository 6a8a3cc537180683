"""Trusted versions: what Daybreak itself wrote down of a model version, which the registry's tags must agree with.

A tag says what the writer of a version wants it to say. The digest that an artifact must have, the last day that a
model has seen and the libraries it was trained with must therefore be what the ledger says.
"""

import math
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from daybreak.errors import ModelRefused
from daybreak.ledger.tables import trusted_versions
from daybreak.models.version import ModelVersion
from daybreak.warehouse.database import Warehouse

_COMPARED = ("digest", "trained_through", "libraries", "score_profile")


class TrustedVersions:
    """Write down and compare what may be trusted of model versions."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    def record(self, version: ModelVersion, how: str) -> None:
        """Write down a version that was ``registered`` or ``adopted``; one that is known is compared instead."""
        values = {"model_name": version.name, "version": version.version, "how": how, **_facts(version)}
        # For whoever looks: nothing is decided by it.
        values["metrics"] = {name: value for name, value in version.metrics.items() if math.isfinite(value)}
        with self._warehouse.begin() as connection:
            connection.execute(insert(trusted_versions).values(**values).on_conflict_do_nothing())
        self.refuse_other(version)

    def refuse_other(self, version: ModelVersion) -> None:
        """Refuse a version that was not written down, or of which the registry says something else by now."""
        of_version = (trusted_versions.c.model_name == version.name, trusted_versions.c.version == version.version)
        facts = _facts(version)
        with self._warehouse.begin() as connection:
            found = connection.execute(sa.select(trusted_versions).where(*of_version)).mappings().first()
            if found is None:
                raise ModelRefused(
                    f"{version.name} version {version.version} was not registered by Daybreak on this warehouse, "
                    "and nobody has adopted it.",
                    next_step="see where it comes from with `daybreak models`; if you trust it, "
                    f"`daybreak adopt {version.name} --version {version.version}`.",
                )
            unknown = found["libraries"] is None
            compared = _COMPARED[:2] if unknown else _COMPARED
            differs = [name for name in compared if found[name] != facts[name]]
            if unknown and not differs:
                # A run had used it before these were written down: from now on they stay as they are.
                later = {name: facts[name] for name in ("libraries", "score_profile")}
                connection.execute(trusted_versions.update().where(*of_version).values(**later))
        if differs:
            raise ModelRefused(
                f"The registry says of {version.name} version {version.version} what it did not when it was registered "
                f"({', '.join(name.replace('_', ' ') for name in differs)}).",
                next_step="find out who changed its tags, and restore them (ledger.trusted_versions has them as they "
                "were), or choose another version with `--model-version`.",
            )


def _facts(version: ModelVersion) -> dict[str, Any]:
    return {
        "digest": version.digest,
        "trained_through": version.trained_through,
        "libraries": version.libraries,
        "score_profile": version.score_profile,
    }
