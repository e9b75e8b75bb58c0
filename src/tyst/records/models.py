"""The tables, all of them: what Tyst ever writes to disk. `inventory.toml` declares each column; a test compares.

The account is its random handle and the policy's fields less `devices`. Nothing refers to an account by name or
number: key records hold the handle sealed, vouchers hold nobody. The other tables name no person. Counterparts:
`migrations/` makes these tables WITHOUT ROWID, so that the order of writing is nowhere; `statements.py` is the gate's
hand on the same tables, without Django.
"""

from typing import ClassVar

from django.db import models

from tyst.records.columns import (
    AddressUseField,
    BytesField,
    CampaignField,
    CountryField,
    CurrencyField,
    DayEndField,
    FlagField,
    HourField,
    LanguageField,
    MonthField,
    PhcField,
    ProductField,
    UsernameField,
    VersionField,
)


class Account(models.Model):
    """One customer. The handle is all that access carries; a new one (re-key) cuts every device and session at once."""

    handle = BytesField(size=16, primary_key=True)
    username = UsernameField(max_length=32, unique=True, db_collation="NOCASE")
    password = PhcField(max_length=200)
    email = models.CharField(max_length=254, null=True)
    created_at = HourField()
    updated_at = HourField()
    newsletter = FlagField(default=False)
    has_authenticated = FlagField(default=False)
    has_connected = FlagField(default=False)
    has_ipv6 = FlagField(default=True)
    compression = FlagField(default=False)
    streaming = FlagField(default=False)
    language = LanguageField(max_length=2)
    currency = CurrencyField(max_length=3)
    country = CountryField(max_length=2)
    campaign = CampaignField(max_length=32, null=True)
    subscription = DayEndField(null=True)
    ipv4 = DayEndField(null=True)
    multihop = DayEndField(null=True)
    client_version = VersionField(max_length=9, null=True)
    extension_version = VersionField(max_length=9, null=True)

    class Meta:
        app_label = "records"
        db_table = "account"

    def __repr__(self) -> str:
        return "<account>"

    __str__ = __repr__


class KeyRecord(models.Model):
    """A device's permission, under a tag. Only the device's own key opens it; nobody can list an account's devices."""

    tag = BytesField(size=16, primary_key=True)
    record = BytesField()
    last_month = MonthField()

    class Meta:
        app_label = "records"
        db_table = "key_record"


class Voucher(models.Model):
    """An unused voucher: the hash of its code and the days it is worth. Deleted at use."""

    hash = BytesField(size=32, primary_key=True)
    days = models.IntegerField()
    product = ProductField(max_length=16, default="subscription")

    class Meta:
        app_label = "records"
        db_table = "voucher"


class SpentSerial(models.Model):
    """The hash of a serial that may be used once and was. No account and no time beside it."""

    hash = BytesField(size=32, primary_key=True)

    class Meta:
        app_label = "records"
        db_table = "spent_serial"


class Journal(models.Model):
    """Sums for the tax office by day (or month), and by what is taxed how. Nobody is in it, and no sale alone."""

    pk = models.CompositePrimaryKey("period", "kind", "country", "rate", "currency", "method", "product")
    period = models.CharField(max_length=10)
    kind = models.CharField(max_length=6)
    country = CountryField(max_length=2)
    rate = models.IntegerField()
    currency = CurrencyField(max_length=3)
    method = models.CharField(max_length=16)
    product = models.CharField(max_length=16)
    count = models.IntegerField()
    net = models.BigIntegerField()
    vat = models.BigIntegerField()

    class Meta:
        app_label = "records"
        db_table = "journal"


class Location(models.Model):
    """A city with nodes."""

    slug = models.CharField(max_length=32, primary_key=True)
    city = models.CharField(max_length=64)
    country = CountryField(max_length=2)

    class Meta:
        app_label = "records"
        db_table = "location"
        ordering: ClassVar = ["country", "city"]


class Node(models.Model):
    """A VPN server: what clients must know to connect, and its keys sealed to the gate."""

    name = models.CharField(max_length=31, primary_key=True)
    location = models.ForeignKey(Location, models.PROTECT, db_column="location", related_name="nodes")
    ipv4 = models.CharField(max_length=15)
    ipv6 = models.CharField(max_length=45)
    owned = FlagField(default=False)
    revoked = FlagField(default=False)
    wireguard_public = BytesField(size=32, null=True)
    wireguard_port = models.IntegerField(default=51820)
    openvpn_udp = models.IntegerField(default=1194)
    openvpn_tcp = models.IntegerField(default=443)
    openvpn_processes = models.IntegerField(default=1)
    number = models.IntegerField(unique=True)
    exit6 = models.CharField(max_length=49, default="")
    draining = FlagField(default=False)
    key_blob = BytesField(null=True)

    class Meta:
        app_label = "records"
        db_table = "node"
        ordering: ClassVar = ["name"]


class NodeAddress(models.Model):
    """A further public address of a node, and what it is for. `rests`: nobody gets it before the end of that day."""

    address = models.CharField(max_length=45, primary_key=True)
    node = models.ForeignKey(Node, models.CASCADE, db_column="node", related_name="addresses")
    use = AddressUseField(max_length=9)
    rests = DayEndField(null=True)

    class Meta:
        app_label = "records"
        db_table = "node_address"
        ordering: ClassVar = ["address"]


class PublicAddress(models.Model):
    """Who has a public IPv4 address now: a keyed hash of user name and `created_at`, and the address. No history."""

    owner = BytesField(size=32, primary_key=True)
    address = models.OneToOneField(NodeAddress, models.PROTECT, db_column="address", related_name="holder")

    class Meta:
        app_label = "records"
        db_table = "public_address"

    def __repr__(self) -> str:
        return "<public address>"

    __str__ = __repr__


class Fleet(models.Model):
    """The one row of public facts that every OpenVPN profile carries."""

    id = models.IntegerField(primary_key=True, default=1)
    openvpn_authority = BytesField()
    tls_crypt = models.TextField()
    site = models.CharField(max_length=200)

    class Meta:
        app_label = "records"
        db_table = "fleet"
