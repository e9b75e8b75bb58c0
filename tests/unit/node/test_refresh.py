"""A daemon that nobody uses any more is replaced, once, and one that was never used is left alone."""

from tyst.node.refresh import Refresher


async def test_wireguard_is_replaced_when_the_last_tunnel_is_gone_and_not_before() -> None:
    tunnels, ended = [0], []

    async def end() -> None:
        ended.append(1)

    refresher = Refresher(lambda: tunnels[0], end)
    for number, wanted in ((0, 0), (1, 0), (2, 0), (1, 0), (0, 1), (0, 1), (3, 1), (0, 2)):
        tunnels[0] = number
        await refresher.look()
        assert len(ended) == wanted
