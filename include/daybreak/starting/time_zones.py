"""Time zones as somebody names them."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from daybreak.errors import ConfigurationError


def refuse_unknown_zone(timezone: str) -> None:
    """Refuse a time zone that there is not."""
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"There is no time zone '{timezone}'.", next_step="name one, such as `--timezone America/New_York`."
        ) from error
