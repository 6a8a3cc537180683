"""The documents that are sent and answered. From them comes the OpenAPI document."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

MAX_ITEMS = 1000
PIPELINE = r"^[a-z][a-z0-9_]{0,62}$"

State = Literal["active", "expired", "withdrawn"]
_Int32 = Annotated[int, Field(ge=1, le=2**31 - 1)]


def _kept(instant: datetime) -> datetime:
    """Turn an instant into UTC; at the ends of the calendar there may be none."""
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("The instant lies outside of the calendar, told in UTC.") from None


class Offer(BaseModel):
    """One product that may be promoted."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)

    offer_id: UUID = Field(description="Names the offer for good; sending it again changes the offer.")
    product_id: int = Field(ge=1, le=2**63 - 1)
    probability: float = Field(ge=0, le=1, allow_inf_nan=False, description="That it sells on the day after.")
    rank: _Int32 = Field(description="Place among the offers of the partition, from 1.")
    action: Literal["price_reduction", "display", "mailer"]


class Chunk(BaseModel):
    """Some of the offers of one partition, and offers of it to withdraw. Every offer_id occurs once."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)

    pipeline: str = Field(pattern=PIPELINE)
    partition: date = Field(description="The day whose data the offers were derived from.")
    model_version: _Int32
    valid_until: Annotated[AwareDatetime, AfterValidator(_kept)] = Field(
        description="When the chunk's offers expire, with offset."
    )
    offers: list[Offer] = Field(default_factory=list, max_length=MAX_ITEMS)
    withdrawn: list[UUID] = Field(default_factory=list, max_length=MAX_ITEMS)


class Result(BaseModel):
    """What became of one item of a chunk."""

    offer_id: UUID
    status: Literal["accepted", "withdrawn", "rejected"]
    reason: str | None = Field(default=None, description="Why it was rejected.")


class ChunkAnswer(BaseModel):
    """What became of every item: offers first, then withdrawals, in the order in which they were sent."""

    results: list[Result]


class Problem(BaseModel):
    """Why a request was refused."""

    code: str = Field(description="For programs.")
    message: str = Field(description="For people; repeats no value of the request.")


class ListedOffer(BaseModel):
    """One offer as the promotions system has it now."""

    offer_id: UUID
    pipeline: str
    partition_date: date
    product_id: int
    probability: float
    rank: int
    action: str
    model_version: int
    valid_until: datetime
    state: State
    revision: int
    first_received_at: datetime
    received_at: datetime
    withdrawn_at: datetime | None


class Listing(BaseModel):
    """The offers of one day."""

    date: date
    counts: dict[State, int] = Field(description="All offers of the day by state, whatever the page holds.")
    offers: list[ListedOffer]


class Refused(Exception):
    """A request that is not processed, and what it is answered."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.problem = Problem(code=code, message=message)
        self.headers = dict(headers or {})
