"""Quotas: what one asks too much, only that one pays for."""

from tyst.gate.quotas import Bucket, Buckets, Quotas, Rate


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    bucket = Bucket(Rate(2, 5), 0)
    assert [bucket.take(0) for _ in range(6)] == [True] * 5 + [False]
    assert [bucket.take(1) for _ in range(3)] == [True, True, False]


def test_one_nodes_flood_leaves_another_node_alone() -> None:
    buckets = Buckets(Rate(1, 3))
    assert [buckets.take("se-sto", 0) for _ in range(4)][-1] is False
    assert buckets.take("de-fra", 0)


def test_unknown_keys_do_not_use_up_the_place_of_known_ones() -> None:
    quotas = Quotas()
    while quotas.unknown.take("se-sto", 0):
        pass
    assert quotas.known.take("se-sto", 0)


def test_there_are_never_more_buckets_than_allowed() -> None:
    buckets = Buckets(Rate(1, 1), most=10)
    for number in range(100):
        buckets.take(f"node-{number}", 0)
    assert len(buckets._buckets) == 10
