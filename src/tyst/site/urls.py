"""The site's addresses: English words under each language's prefix."""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from django.urls.resolvers import LocalePrefixPattern
from django.utils.translation import get_language

from tyst.site.languages import prefix_of
from tyst.site.pages import (
    account,
    buy,
    callbacks,
    checkout,
    join,
    leaving,
    letters,
    multihop,
    naming,
    openvpn,
    paid,
    policy,
    pricing,
    public,
    public_ipv4,
    refund,
    renewal,
    rights,
    settings,
    transparency,
    udp_blocked,
    wireguard,
)


class PrefixPattern(LocalePrefixPattern):
    """Django's language prefix, with Norwegian `nb` as `no`, and English prefixed like the others."""

    @property
    def language_prefix(self) -> str:
        return f"{prefix_of(get_language())}/"


_PAGES: list[URLPattern | URLResolver] = [
    path("", public.start, name="start"),
    path("network", public.network, name="network"),
    path("privacy", policy.privacy, name="privacy"),
    path("cookies", policy.cookies, name="cookies"),
    path("third-parties", policy.third_parties, name="third-parties"),
    path("transparency", transparency.overview, name="transparency"),
    path("transparency/<str:name>", transparency.file, name="transparency-file"),
    path("pricing", pricing.pricing, name="pricing"),
    path("refund", refund.refund, name="refund"),
    path("your-data", rights.rights, name="your-data"),
    path("udp-blocked", udp_blocked.overview, name="udp-blocked"),
    path("udp-blocked/authority.crt", udp_blocked.authority, name="udp-blocked-authority"),
    path("udp-blocked/<slug:name>", udp_blocked.commands, name="udp-blocked-node"),
    path("signup", join.sign_up, name="signup"),
    path("signin", join.sign_in, name="signin"),
    path("signout", join.sign_out, name="signout"),
    path("recover", join.recover, name="recover"),
    path("recover/mail", letters.recover, name="recover-mail"),
    path("reset/<str:token>", letters.reset, name="reset"),
    path("confirm/<str:token>", letters.confirm, name="confirm"),
    path("unsubscribe/<str:token>", letters.unsubscribe, name="unsubscribe"),
    path("account", account.overview, name="account"),
    path("account/voucher", account.voucher, name="voucher"),
    path("account/buy", buy.buy, name="buy"),
    path("account/checkout", checkout.checkout, name="checkout"),
    path("account/renewal", renewal.renewal, name="renewal"),
    path("paid", paid.paid, name="paid"),
    path("paid/state", paid.state, name="paid-state"),
    path("paid/receipt.pdf", paid.pdf, name="receipt"),
    path("account/settings", settings.preferences, name="settings"),
    path("account/password", settings.password, name="password"),
    path("account/username", naming.rename, name="username"),
    path("account/copy", rights.copy, name="copy"),
    path("account/wireguard", wireguard.door, name="wireguard"),
    path("account/wireguard/challenge", wireguard.challenge, name="wireguard-challenge"),
    path("account/openvpn", openvpn.overview, name="openvpn"),
    path("account/openvpn/credential", openvpn.credential, name="credential"),
    path("account/openvpn/<slug:name>-<slug:protocol>.ovpn", openvpn.download, name="profile"),
    path("account/multihop", multihop.overview, name="multihop"),
    path("account/multihop/profile.ovpn", multihop.download, name="multihop-profile"),
    path("account/ipv4", public_ipv4.overview, name="public-ipv4"),
    path("account/disconnect", leaving.disconnect, name="disconnect"),
    path("account/rekey", leaving.rekey, name="rekey"),
    path("account/delete", leaving.delete, name="delete"),
]


def robots(request: HttpRequest) -> HttpResponse:
    """Search engines may read the public pages."""
    return HttpResponse("User-agent: *\nAllow: /\n", content_type="text/plain; charset=utf-8")


urlpatterns: list[URLPattern | URLResolver] = [
    path("static/<str:digest>/<path:name>", public.static),
    path("favicon.ico", public.favicon),
    path("robots.txt", robots),
    path("privacy.json", policy.machine, name="privacy-machine"),
    path("pay/<slug:name>/", callbacks.callback),
    path("pay/<slug:name>/<path:rest>", callbacks.callback),
    path("mail/<slug:service>", letters.bounced),
    path("unsubscribe/<str:token>", letters.one_click),
    path("api/v1/account-notices", letters.account_notices),
    URLResolver(PrefixPattern(), _PAGES),
]

handler400 = "tyst.site.errors.bad_request"
handler404 = "tyst.site.errors.not_found"
handler500 = "tyst.site.errors.broken"
