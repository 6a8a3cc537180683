"""The promotions system takes each chunk exactly once, whatever is sent twice, at once or half."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from daybreak.embedded.postgres import EmbeddedPostgres
from promotions import DAY, KEY, OTHER_KEY, PROBABILITY, Promotions, body, offer, refusal


def test_an_accepted_offer_is_listed_as_it_was_sent(promotions: Promotions) -> None:
    sent = offer(7, rank=1, action="mailer")
    answer = promotions.post(body([sent]), KEY)
    assert (answer.status_code, answer.json()) == (
        200,
        {"results": [{"offer_id": sent["offer_id"], "status": "accepted"}]},
    )
    (listed,) = promotions.listing()["offers"]
    assert {name: listed[name] for name in sent} == sent
    assert (listed["model_version"], listed["state"], listed["partition_date"]) == (3, "active", DAY)


def test_offers_are_listed_by_rank_page_by_page_and_counted_whole(promotions: Promotions) -> None:
    promotions.post(body([offer(product, rank=10 - product) for product in range(1, 6)]), KEY)
    pages = [promotions.listing(limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [each["product_id"] for page in pages for each in page["offers"]] == [5, 4, 3, 2, 1]
    assert all(page["counts"] == {"active": 5, "expired": 0, "withdrawn": 0} for page in pages)
    assert promotions.listing(pipeline="another")["offers"] == []
    assert promotions.listing("2026-11-18")["offers"] == []


def test_another_chunk_with_the_same_offer_changes_it_and_doubles_nothing(promotions: Promotions) -> None:
    promotions.post(body([offer(1), offer(2)]), KEY)
    promotions.post(body([offer(1, rank=9, probability=0.25)]), OTHER_KEY)
    listed = {each["product_id"]: each for each in promotions.listing()["offers"]}
    assert (listed[1]["rank"], listed[1]["probability"], listed[1]["revision"]) == (9, 0.25, 2)
    assert (listed[2]["rank"], listed[2]["revision"]) == (2, 1)


def test_a_withdrawn_offer_is_no_longer_active_until_it_is_offered_again(promotions: Promotions) -> None:
    sent = offer(1)
    promotions.post(body([sent, offer(2)]), KEY)
    answer = promotions.post(body([], withdrawn=[sent["offer_id"]]), OTHER_KEY)
    assert answer.json() == {"results": [{"offer_id": sent["offer_id"], "status": "withdrawn"}]}
    assert promotions.products() == [2]
    assert promotions.listing()["counts"]["withdrawn"] == 1
    promotions.post(body([sent]), "chunk-key-number-3")
    assert promotions.products() == [1, 2]


def test_withdrawing_what_is_not_known_is_not_an_error(promotions: Promotions) -> None:
    answer = promotions.post(body([], withdrawn=[offer(99)["offer_id"]]), KEY)
    assert (answer.status_code, answer.json()["results"][0]["status"]) == (200, "withdrawn")


def test_an_offer_expires_when_its_time_has_passed(promotions: Promotions) -> None:
    in_an_hour = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    promotions.post(body([offer(1)], valid_until=in_an_hour), KEY)
    promotions.post(body([offer(2)]), OTHER_KEY)
    assert promotions.products() == [1, 2]
    # An hour passes: for what is valid until then, a clock put on is a time put back.
    promotions.execute("UPDATE promotions_system.offers SET valid_until = valid_until - interval '1 hour'")
    assert promotions.products() == [2]
    assert promotions.listing()["counts"] == {"active": 1, "expired": 1, "withdrawn": 0}


def test_the_same_request_again_is_answered_the_same_and_writes_nothing(promotions: Promotions) -> None:
    content = body([offer(1), offer(2, rank=0)])
    first = promotions.post(content, KEY)
    again = [promotions.post(content, KEY) for _ in range(3)]
    assert first.status_code == 207
    assert {(answer.status_code, answer.content) for answer in again} == {(207, first.content)}
    assert "idempotent-replayed" not in first.headers
    assert {answer.headers["idempotent-replayed"] for answer in again} == {"true"}
    assert promotions.revisions() == {1: 1}


def test_the_same_key_with_another_body_is_refused_and_changes_nothing(promotions: Promotions) -> None:
    promotions.post(body([offer(1)]), KEY)
    assert refusal(promotions.post(body([offer(1, rank=5), offer(2)]), KEY)) == (409, "idempotency_key_reused")
    (listed,) = promotions.listing()["offers"]
    assert (listed["product_id"], listed["rank"], listed["revision"]) == (1, 1, 1)


def test_of_the_same_request_many_times_at_once_one_is_processed(promotions: Promotions) -> None:
    with ThreadPoolExecutor(8) as pool:
        for round_ in range(6):
            key, content = f"at-once-key-{round_:05}", body([offer(round_ * 10 + n) for n in range(1, 6)])
            answers = list(pool.map(lambda _, k=key, c=content: promotions.post(c, k), range(8)))
            assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
            assert sum("idempotent-replayed" in answer.headers for answer in answers) == 7
    assert set(promotions.revisions().values()) == {1}


def test_of_different_bodies_under_one_key_at_once_one_wins_whole(promotions: Promotions) -> None:
    bodies = [body([offer(n * 10 + m) for m in range(1, 6)]) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda content: promotions.post(content, KEY), bodies))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    winner = [answer.status_code for answer in answers].index(200)
    assert promotions.products() == [winner * 10 + m for m in range(1, 6)]


def test_chunks_with_the_same_offers_in_another_order_do_not_block_each_other(promotions: Promotions) -> None:
    offers = [offer(product) for product in range(1, 101)]
    orders = [offers if n % 2 else offers[::-1] for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda n: promotions.post(body(orders[n], model_version=n + 1), f"crossing-key-{n:05}"), range(24))
        )
    assert {answer.status_code for answer in answers} == {200}
    assert set(promotions.revisions().values()) == {24}
    assert len({each["model_version"] for each in promotions.listing()["offers"]}) == 1


def test_a_chunk_that_fails_halfway_leaves_neither_offers_nor_an_answer(
    promotions: Promotions, postgres: EmbeddedPostgres
) -> None:
    promotions.execute(
        "CREATE FUNCTION promotions_system.fail() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE 'the disk is full'; END $$"
    )
    promotions.execute(
        "CREATE TRIGGER fail BEFORE UPDATE ON promotions_system.chunks EXECUTE FUNCTION promotions_system.fail()"
    )
    try:
        assert refusal(promotions.post(body([offer(1)]), KEY)) == (500, "failed")
    finally:
        promotions.execute("DROP FUNCTION promotions_system.fail CASCADE")
    assert promotions.products() == []
    answer = promotions.post(body([offer(1)]), KEY)
    assert (answer.status_code, "idempotent-replayed" in answer.headers) == (200, False)


def test_probabilities_do_not_get_into_the_databases_log(
    promotions: Promotions, postgres: EmbeddedPostgres, caplog: pytest.LogCaptureFixture
) -> None:
    promotions.execute("ALTER TABLE promotions_system.offers RENAME COLUMN revision TO hidden")
    try:
        assert promotions.post(body([offer(1)]), KEY).status_code == 500
    finally:
        promotions.execute("ALTER TABLE promotions_system.offers RENAME COLUMN hidden TO revision")
    logged = (postgres.folder / "log").read_text(errors="replace")
    assert "column known.revision does not exist" in logged
    for text in (logged, caplog.text):
        assert str(PROBABILITY) not in text


def test_a_connection_to_the_database_that_is_lost_midway_is_a_503_that_asks_to_come_again(
    promotions: Promotions, postgres: EmbeddedPostgres
) -> None:
    engine = sa.create_engine(promotions.settings.database_url.get_secret_value())
    with engine.begin() as connection, ThreadPoolExecutor(1) as pool:
        connection.exec_driver_sql("LOCK TABLE promotions_system.offers")
        waiting = pool.submit(promotions.post, body([offer(1)]), KEY)
        ended = []
        while not ended:
            time.sleep(0.05)
            ended = connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                "AND application_name = 'promotions_system' AND datname = current_database()"
            ).all()
        answer = waiting.result()
    engine.dispose()
    assert refusal(answer) == (503, "database_unavailable")
    assert answer.headers["retry-after"] == "1"
    assert promotions.products() == []
    answer = promotions.post(body([offer(1)]), KEY)
    assert (answer.status_code, "idempotent-replayed" in answer.headers) == (200, False)
