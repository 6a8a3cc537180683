"""A target that would show secrets or offers to others cannot be made, and a certificate is verified."""

import datetime as dt
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from daybreak.embedded.postgres import EmbeddedPostgres
from daybreak.errors import ConfigurationError, DeliveryRefused
from daybreak.push.client import DeliveryClient, DeliveryTarget
from promotions import SIGNING_KEY, TOKEN, chunks, promotions_database, serve

HOST = "promotions.example.com"


def target(**changes: Any) -> DeliveryTarget:
    declared: dict[str, Any] = {
        "base_url": f"https://{HOST}",
        "path": "/v1/offers",
        "token": SecretStr(TOKEN),
        "signing_key": SecretStr(SIGNING_KEY),
        "allowed_hosts": {HOST},
    }
    return DeliveryTarget(**{**declared, **changes})


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        (f"https://{HOST}", f"https://{HOST}/v1/offers"),
        (f"https://{HOST}:8443/", f"https://{HOST}:8443/v1/offers"),
        (f"https://{HOST.upper()}/promotions", f"https://{HOST}/promotions/v1/offers"),
    ],
)
def test_a_target_posts_to_its_path_below_its_address(base_url: str, url: str) -> None:
    assert str(target(base_url=base_url).url) == url


@pytest.mark.parametrize("url", ["http://127.0.0.1:8090", "http://localhost:8090", "http://[::1]:8090"])
def test_plain_http_is_for_this_very_machine(url: str) -> None:
    hosts = {"127.0.0.1", "localhost", "::1"}
    assert target(base_url=url, allowed_hosts=hosts).url.scheme == "http"


@pytest.mark.parametrize("host", [HOST, "10.0.0.1", "192.168.1.1", "localhost.example.com", "127.1", "0.0.0.0"])
def test_plain_http_to_anywhere_else_is_refused(host: str) -> None:
    with pytest.raises(ConfigurationError, match="Plain http"):
        target(base_url=f"http://{host}", allowed_hosts={host})


@pytest.mark.parametrize(
    "host", ["elsewhere.example.com", f"{HOST}.elsewhere.example", f"{HOST}.", f"x{HOST}", "example.com", "127.0.0.1"]
)
def test_a_host_that_is_not_on_the_list_is_refused(host: str) -> None:
    with pytest.raises(ConfigurationError, match=r"not allowed.*allow-list"):
        target(base_url=f"https://{host}")


@pytest.mark.parametrize(
    "url",
    [
        f"https://{HOST}@elsewhere.example",
        f"https://elsewhere.example\\@{HOST}",
        f"https://elsewhere.example#@{HOST}",
        f"https://{HOST}%2eelsewhere.example",
        f"https://{HOST}\t.elsewhere.example",
        "https://[",
    ],
)
def test_an_address_that_only_looks_like_an_allowed_host_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        target(base_url=url)


def test_with_an_empty_list_every_host_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not allowed"):
        target(allowed_hosts=())


@pytest.mark.parametrize("url", ["", HOST, f"//{HOST}", f"ftp://{HOST}", "https://", f"file:///{HOST}", "x"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="not one of http or https"):
        target(base_url=url)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (f"https://push:{TOKEN}@{HOST}", "/v1/offers"),
        (f"https://{HOST}?token={TOKEN}", "/v1/offers"),
        (f"https://{HOST}#{TOKEN}", "/v1/offers"),
        (f"https://{HOST}", f"/v1/offers?token={TOKEN}"),
        (f"https://{HOST}", f"@elsewhere.example/{TOKEN}"),
        (f"https://{HOST}", "v1/offers"),
    ],
)
def test_an_address_with_more_than_a_place_is_refused_without_repeating_it(url: str, path: str) -> None:
    with pytest.raises(ConfigurationError, match="more than scheme, host, port and a plain path") as raised:
        target(base_url=url, path=path)
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize("token", ["", " ", "a b", "line\nbreak", "token\r\nX-Other: 1", "schlüssel"])
def test_a_token_that_would_break_a_header_is_refused_without_repeating_it(token: str) -> None:
    with pytest.raises(ConfigurationError, match="token is empty or has characters") as raised:
        target(token=SecretStr(token))
    assert not token.strip() or token not in str(raised.value)


def test_a_signing_key_that_could_be_guessed_is_refused_without_repeating_it() -> None:
    with pytest.raises(ConfigurationError, match="fewer than 32 characters") as raised:
        target(signing_key=SecretStr("hunter2hunter2"))
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("name", ["max_in_flight", "request_seconds", "deadline_seconds", "open_circuit_after"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_limit_that_is_none_is_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=name):
        target(**{name: value})


def test_a_target_shows_neither_secrets_nor_address() -> None:
    shown = repr(target(base_url=f"https://{HOST}/promotions"))
    assert all(text not in shown for text in (TOKEN, SIGNING_KEY, "/promotions"))


def certificate(folder: Path, *, host: str = "127.0.0.1", days: int = 1) -> tuple[Path, Path]:
    """Make a certificate that nobody but itself vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "promotions of the tests")])
    start = dt.datetime.now(dt.UTC) - dt.timedelta(days=30)
    names = [x509.IPAddress(ip_address(host))] if host[0].isdigit() else [x509.DNSName(host)]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(dt.datetime.now(dt.UTC) + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


@pytest.fixture(scope="module")
def database(postgres: EmbeddedPostgres) -> str:
    return promotions_database(postgres, "promotions_tls")


@pytest.mark.parametrize(
    ("made_for", "trusted", "refused"),
    [
        ({}, True, None),
        ({}, False, "self-signed certificate"),
        ({"host": "elsewhere.example.com"}, True, "IP address mismatch"),
        ({"days": -1}, True, "certificate has expired"),
    ],
    ids=["valid", "of an unknown authority", "of another host", "expired"],
)
def test_only_a_valid_certificate_gets_offers(
    database: str, tmp_path: Path, made_for: dict[str, Any], trusted: bool, refused: str | None
) -> None:
    with serve(database, ssl=certificate(tmp_path, **made_for)) as promotions:
        promotions.empty()
        client = DeliveryClient(promotions.target(ca_file=promotions.trusts if trusted else None))
        if refused is None:
            assert len(list(client.deliver(chunks(2)))) == 2
        else:
            with pytest.raises(DeliveryRefused, match=f"no valid certificate .*{refused}.*Next: check"):
                list(client.deliver(chunks(2)))
        assert len(promotions.faults.seen) == (2 if refused is None else 0)


@pytest.mark.parametrize("content", [None, "nothing"])
def test_a_file_of_authorities_that_cannot_be_read_is_a_wrong_setting(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "authorities.pem"
    if content:
        file.write_text(content)
    with pytest.raises(ConfigurationError, match=r"authorities\.pem cannot be read"):
        list(DeliveryClient(target(ca_file=file)).deliver(chunks(1)))
