"""Configuration of the promotions system: the environment, read once. Secrets have no defaults."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class PromotionsSettings(BaseSettings):
    """Say where the promotions system keeps offers, who may send them, and where it listens."""

    model_config = SettingsConfigDict(
        env_prefix="PROMOTIONS_", frozen=True, extra="ignore", hide_input_in_errors=True, env_ignore_empty=True
    )

    database_url: SecretStr = Field(description="SQLAlchemy URL of its PostgreSQL database.")
    token: SecretStr = Field(min_length=20, description="Bearer token of whoever may send and list offers.")
    signing_key: SecretStr = Field(min_length=32, description="Key that chunks are signed with.")
    previous_token: SecretStr | None = Field(
        default=None, min_length=20, description="Token of before, accepted beside the new one."
    )
    previous_signing_key: SecretStr | None = Field(
        default=None, min_length=32, description="Key of before, accepted beside the new one."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8090, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    timestamp_window_seconds: float = Field(default=300, gt=0, description="How old or early a signature may be.")
    header_seconds: float = Field(default=10, gt=0, description="How long the head of a request may take to arrive.")
    body_seconds: float = Field(default=30, gt=0, description="How long its body may take.")
    max_connections: int = Field(default=200, gt=0, description="Connections at once; further ones are answered 503.")
    certificate_file: Path | None = Field(default=None, description="Certificate to speak TLS with, PEM; else none.")
    key_file: Path | None = Field(default=None, description="The certificate's private key, PEM.")
    max_body_bytes: int = Field(default=1 << 20, gt=0, description="Largest chunk that is read.")
    allow_faults: bool = Field(default=False, description="Serve /v1/faults, which makes it misbehave for tests.")
