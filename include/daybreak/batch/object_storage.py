"""Object storage: what goes wrong with files and buckets, as one of our errors."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from daybreak.errors import ConfigurationError, DaybreakError, SourceRefused, StorageUnavailable, on_one_line

# What the clients of S3, Google and Azure call a fault that passes: by the names of their classes and by their codes,
# since none of them need be installed.
_TRANSIENT = (
    *("ConnectionError", "ConnectionClosed", "ConnectTimeout", "ReadTimeout", "Timeout", "EndpointConnection"),
    *("HTTPClientError", "ServerDisconnected", "ClientOSError", "ServiceRequestError", "ServiceResponseError"),
    *("SlowDown", "Throttl", "ServiceUnavailable", "InternalError", "InternalServerError", "TooManyRequests"),
    *("RequestTimeout", "ServerBusy", "503", "429"),
)
_CREDENTIALS = ("NoCredentials", "CredentialRetrieval", "DefaultCredentialsError", "ClientAuthenticationError")
# An I/O error of the disk or of the network that a folder is mounted over.
_PASSING = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETUNREACH)


def is_local(protocol: str) -> bool:
    """Tell whether files of a protocol, as universal-pathlib names it, are on this machine: there are no buckets."""
    return protocol in ("", "file", "local")


@contextmanager
def storage_faults(what: str, setting: str) -> Iterator[None]:
    """Let faults of ``what`` (a folder, a bucket), which a setting names, out as one of our errors."""
    try:
        yield
    except DaybreakError:
        raise
    except ImportError as error:
        raise ConfigurationError(
            f"{what} cannot be read ({error}).",
            next_step="install the extra that its storage needs (s3, gcs or azure): see docs/sources.md.",
        ) from error
    # The clients have hierarchies of their own; what it is says its name.
    except Exception as error:
        raise _as_ours(error, what, setting) from error


def _as_ours(error: Exception, what: str, setting: str) -> DaybreakError:
    told = f"{type(error).__name__} {getattr(error, 'errno', '')} {error}"
    if isinstance(error, FileNotFoundError):
        return ConfigurationError(
            f"{what} is not there.", next_step=f"make it, or name another in {setting}: none is made of itself."
        )
    if isinstance(error, PermissionError) or any(name in told for name in _CREDENTIALS):
        return ConfigurationError(
            f"{what} may not be read or written ({_short(error)}).",
            next_step=f"grant this account the right to, or name another in {setting}.",
        )
    passing = isinstance(error, ConnectionError | TimeoutError) or getattr(error, "errno", None) in _PASSING
    if passing or any(name in told for name in _TRANSIENT):
        return StorageUnavailable(
            f"{what} did not answer ({_short(error)}).",
            next_step=f"it is tried again; if it lasts, check the storage that {setting} names.",
        )
    return SourceRefused(f"{what} cannot be read ({_short(error)}).", next_step=f"check what {setting} names.")


def _short(error: Exception) -> str:
    return on_one_line(f"{type(error).__name__}: {error}".rstrip(". "))[:200]
