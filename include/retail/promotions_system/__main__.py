"""Run the promotions system: ``python -m retail.promotions_system``."""

import sys

import uvicorn
from pydantic import ValidationError

from retail.promotions_system.app import create_app
from retail.promotions_system.serving import server_config
from retail.promotions_system.settings import PromotionsSettings


def main() -> None:
    """Read the settings and serve until told to stop."""
    try:
        settings = PromotionsSettings()  # type: ignore[call-arg]  # they come from the environment
    except ValidationError as error:
        wrong = "; ".join(f"PROMOTIONS_{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors())
        sys.exit(f"The promotions system is not configured. {wrong}. Next: set these variables and start it again.")
    uvicorn.Server(server_config(settings, create_app(settings), log_level="info")).run()


if __name__ == "__main__":
    main()
