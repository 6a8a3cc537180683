"""A version's files lie below the storage of the models, or they are not looked at."""

import pytest

from daybreak.models.describing import is_below

HOME = "file:///srv/daybreak/models"
BELOW = {
    "file:///srv/daybreak/models/orders/7f/artifacts/model": HOME,
    "/srv/daybreak/models/orders/7f": HOME,
    "file:///srv/models/orders": "/srv/models",
    "s3://bucket/models/orders": "s3://bucket/models/",
    "s3://bucket/orders": "s3://bucket",
    "file:///srv/my%20models/orders": "file:///srv/my%20models",
    "file:///srv/modèles/größe": "file:///srv/modèles",
}
ELSEWHERE = {
    "file:///srv/daybreak/models": HOME,
    "file:///srv/daybreak/models/": HOME,
    "file:///srv/daybreak/models-of-others/orders": HOME,
    "file:///srv/daybreak/models/../others": HOME,
    "file:///srv/daybreak/models/x/..": HOME,
    "file:///srv/daybreak/models/%2e%2e/others": HOME,
    "file:///srv/daybreak/models/..%2fothers": HOME,
    "file:///srv/daybreak/models//etc": HOME,
    "file:///srv/daybreak/models/.": HOME,
    "file:///srv/daybreak/models/x\\..\\..\\others": HOME,
    "file://host/srv/daybreak/models/orders": HOME,
    "file:///srv/daybreak/models/orders?x=1": HOME,
    "file:///srv/daybreak/models/orders#x": HOME,
    "ftp://10.0.0.1/srv/daybreak/models/orders": HOME,
    "github://org:repo@main/srv/daybreak/models/x": HOME,
    "zip://x::file:///srv/daybreak/models/orders": HOME,
    "simplecache::file:///srv/daybreak/models/orders": HOME,
    "models:/m-4f": HOME,
    "mlflow-artifacts:/1/models/m-4f": HOME,
    "runs:/4f/model": HOME,
    "srv/daybreak/models/orders": HOME,
    "": HOME,
    "s3://other/models/orders": "s3://bucket/models",
    "s3://bucket/models2/orders": "s3://bucket/models",
    "http://bucket/models/orders": "s3://bucket/models",
    "S3://user@bucket/models/orders": "s3://bucket/models",
    "file:///bucket/models/orders": "s3://bucket/models",
}


@pytest.mark.parametrize(("uri", "storage"), BELOW.items())
def test_what_lies_below_the_storage_is_told(uri: str, storage: str) -> None:
    assert is_below(uri, storage)


@pytest.mark.parametrize(("uri", "storage"), ELSEWHERE.items())
def test_what_lies_elsewhere_is_told_from_it(uri: str, storage: str) -> None:
    assert not is_below(uri, storage)
