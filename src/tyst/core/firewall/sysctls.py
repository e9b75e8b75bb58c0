"""The kernel settings of a node's network (ip-sysctl, nf_conntrack-sysctl), as paths under /proc/sys.

What the ruleset can't say. Counterpart: `tyst.node.drivers.network` writes them and puts them back.
"""

SYSCTLS_CLOSED = {"net/ipv4/ip_forward": "0", "net/ipv6/conf/all/forwarding": "0"}
SYSCTLS_OPEN = {"net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "1"}
SYSCTLS = {
    "net/ipv4/conf/all/rp_filter": "0",  # the handed-back initiation comes by lo with a far source;
    "net/ipv4/conf/lo/rp_filter": "0",  # what may come from where is decided by chain vp_whence
    "net/ipv4/conf/all/arp_ignore": "2",  # a tunnel address is never answered for on the public link
    "net/ipv4/conf/all/arp_announce": "2",
    "net/ipv4/conf/all/accept_redirects": "0",
    "net/ipv4/conf/all/secure_redirects": "0",
    "net/ipv4/conf/all/send_redirects": "0",
    "net/ipv4/conf/all/accept_source_route": "0",
    "net/ipv4/conf/all/log_martians": "0",
    "net/ipv4/icmp_echo_ignore_broadcasts": "1",
    "net/ipv4/tcp_syncookies": "1",
    "net/ipv6/conf/all/accept_redirects": "0",
    "net/ipv6/conf/all/accept_source_route": "0",
    "net/netfilter/nf_conntrack_acct": "0",
    "net/netfilter/nf_conntrack_timestamp": "0",
    "net/netfilter/nf_conntrack_log_invalid": "0",
}
"""Settings of the node's network, as paths under /proc/sys. Forwarding is apart: it opens last and closes first."""
