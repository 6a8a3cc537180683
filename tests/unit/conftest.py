"""What the unit tests share: Great Expectations takes seconds to import, so there is one judge."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from daybreak.run.judge import Judge


@pytest.fixture(scope="session")
def judge() -> "Judge":
    from daybreak.run.judge import Judge

    return Judge()
