"""The first tables, for either engine (`records/tables.py`): on SQLite a row's place is its key, so that the file doesn't
tell what was written when."""

from django.db import migrations, models

import tyst.records.columns as columns
from tyst.records.tables import make, make_collation

ACCOUNT = """
CREATE TABLE account (
  handle {bytes} NOT NULL PRIMARY KEY CHECK (length(handle) = 16),
  username text NOT NULL {nocase} UNIQUE,
  password text NOT NULL CHECK (password LIKE '$argon2id$%'),
  email text NULL,
  created_at {hour:created_at} NOT NULL,
  updated_at {hour:updated_at} NOT NULL,
  newsletter {flag:newsletter},
  has_authenticated {flag:has_authenticated},
  has_connected {flag:has_connected},
  has_ipv6 {flag:has_ipv6},
  compression {flag:compression},
  streaming {flag:streaming},
  language text NOT NULL,
  currency text NOT NULL,
  country text NOT NULL,
  campaign text NULL,
  subscription {day:subscription} NULL,
  ipv4 {day:ipv4} NULL,
  multihop {day:multihop} NULL,
  client_version text NULL,
  extension_version text NULL
) {end}
"""

KEY_RECORD = """
CREATE TABLE key_record (
  tag {bytes} NOT NULL PRIMARY KEY CHECK (length(tag) = 16),
  record {bytes} NOT NULL,
  last_month integer NOT NULL
) {end}
"""

VOUCHER = """
CREATE TABLE voucher (
  hash {bytes} NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  days integer NOT NULL CHECK (days > 0),
  product text NOT NULL DEFAULT 'subscription' CHECK (product IN ('subscription', 'multihop', 'ipv4'))
) {end}
"""

SPENT_SERIAL = """
CREATE TABLE spent_serial (hash {bytes} NOT NULL PRIMARY KEY CHECK (length(hash) = 32)) {end}
"""

JOURNAL = """
CREATE TABLE journal (
  period text NOT NULL CHECK (length(period) IN (7, 10)),
  kind text NOT NULL CHECK (kind IN ('sale', 'return')),
  country text NOT NULL,
  rate integer NOT NULL CHECK (rate >= 0),
  currency text NOT NULL,
  method text NOT NULL,
  product text NOT NULL,
  count integer NOT NULL CHECK (count > 0),
  net bigint NOT NULL,
  vat bigint NOT NULL,
  PRIMARY KEY (period, kind, country, rate, currency, method, product)
) {end}
"""

LOCATION = """
CREATE TABLE location (slug text NOT NULL PRIMARY KEY, city text NOT NULL, country text NOT NULL) {end}
"""

NODE = """
CREATE TABLE node (
  name text NOT NULL PRIMARY KEY,
  location text NOT NULL REFERENCES location (slug) DEFERRABLE INITIALLY DEFERRED,
  ipv4 text NOT NULL,
  ipv6 text NOT NULL,
  owned {flag:owned} DEFAULT 0,
  revoked {flag:revoked} DEFAULT 0,
  wireguard_public {bytes} NULL CHECK (wireguard_public IS NULL OR length(wireguard_public) = 32),
  wireguard_port integer NOT NULL DEFAULT 51820,
  openvpn_udp integer NOT NULL DEFAULT 1194,
  openvpn_tcp integer NOT NULL DEFAULT 443,
  openvpn_processes integer NOT NULL DEFAULT 1 CHECK (openvpn_processes BETWEEN 1 AND 14),
  number integer NOT NULL UNIQUE CHECK (number BETWEEN 1 AND 9999),
  exit6 text NOT NULL DEFAULT '',
  draining {flag:draining} DEFAULT 0,
  key_blob {bytes} NULL
) {end}
"""

NODE_ADDRESS = """
CREATE TABLE node_address (
  address text NOT NULL PRIMARY KEY,
  node text NOT NULL REFERENCES node (name) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  use text NOT NULL CHECK (use IN ('exit', 'public', 'streaming')),
  rests {day:rests} NULL
) {end}
"""

PUBLIC_ADDRESS = """
CREATE TABLE public_address (
  owner {bytes} NOT NULL PRIMARY KEY CHECK (length(owner) = 32),
  address text NOT NULL UNIQUE REFERENCES node_address (address) DEFERRABLE INITIALLY DEFERRED
) {end}
"""

FLEET = """
CREATE TABLE fleet (
  id integer NOT NULL PRIMARY KEY CHECK (id = 1),
  openvpn_authority {bytes} NOT NULL,
  tls_crypt text NOT NULL,
  site text NOT NULL
) {end}
"""

MODELS = [
    migrations.CreateModel(
        name="Account",
        fields=[
            ("handle", columns.BytesField(primary_key=True, serialize=False, size=16)),
            ("username", columns.UsernameField(db_collation="NOCASE", max_length=32, unique=True)),
            ("password", columns.PhcField(max_length=200)),
            ("email", models.CharField(max_length=254, null=True)),
            ("created_at", columns.HourField()),
            ("updated_at", columns.HourField()),
            ("newsletter", columns.FlagField(default=False)),
            ("has_authenticated", columns.FlagField(default=False)),
            ("has_connected", columns.FlagField(default=False)),
            ("has_ipv6", columns.FlagField(default=True)),
            ("compression", columns.FlagField(default=False)),
            ("streaming", columns.FlagField(default=False)),
            ("language", columns.LanguageField(max_length=2)),
            ("currency", columns.CurrencyField(max_length=3)),
            ("country", columns.CountryField(max_length=2)),
            ("campaign", columns.CampaignField(max_length=32, null=True)),
            ("subscription", columns.DayEndField(null=True)),
            ("ipv4", columns.DayEndField(null=True)),
            ("multihop", columns.DayEndField(null=True)),
            ("client_version", columns.VersionField(max_length=9, null=True)),
            ("extension_version", columns.VersionField(max_length=9, null=True)),
        ],
        options={"db_table": "account"},
    ),
    migrations.CreateModel(
        name="KeyRecord",
        fields=[
            ("tag", columns.BytesField(primary_key=True, serialize=False, size=16)),
            ("record", columns.BytesField(size=None)),
            ("last_month", columns.MonthField()),
        ],
        options={"db_table": "key_record"},
    ),
    migrations.CreateModel(
        name="Voucher",
        fields=[
            ("hash", columns.BytesField(primary_key=True, serialize=False, size=32)),
            ("days", models.IntegerField()),
            ("product", columns.ProductField(default="subscription", max_length=16)),
        ],
        options={"db_table": "voucher"},
    ),
    migrations.CreateModel(
        name="SpentSerial",
        fields=[("hash", columns.BytesField(primary_key=True, serialize=False, size=32))],
        options={"db_table": "spent_serial"},
    ),
    migrations.CreateModel(
        name="Journal",
        fields=[
            (
                "pk",
                models.CompositePrimaryKey(
                    "period",
                    "kind",
                    "country",
                    "rate",
                    "currency",
                    "method",
                    "product",
                    blank=True,
                    editable=False,
                    primary_key=True,
                    serialize=False,
                ),
            ),
            ("period", models.CharField(max_length=10)),
            ("kind", models.CharField(max_length=6)),
            ("country", columns.CountryField(max_length=2)),
            ("rate", models.IntegerField()),
            ("currency", columns.CurrencyField(max_length=3)),
            ("method", models.CharField(max_length=16)),
            ("product", models.CharField(max_length=16)),
            ("count", models.IntegerField()),
            ("net", models.BigIntegerField()),
            ("vat", models.BigIntegerField()),
        ],
        options={"db_table": "journal"},
    ),
    migrations.CreateModel(
        name="Location",
        fields=[
            ("slug", models.CharField(max_length=32, primary_key=True, serialize=False)),
            ("city", models.CharField(max_length=64)),
            ("country", columns.CountryField(max_length=2)),
        ],
        options={"db_table": "location", "ordering": ["country", "city"]},
    ),
    migrations.CreateModel(
        name="Node",
        fields=[
            ("name", models.CharField(max_length=31, primary_key=True, serialize=False)),
            (
                "location",
                models.ForeignKey(
                    db_column="location",
                    on_delete=models.deletion.PROTECT,
                    related_name="nodes",
                    to="records.location",
                ),
            ),
            ("ipv4", models.CharField(max_length=15)),
            ("ipv6", models.CharField(max_length=45)),
            ("owned", columns.FlagField(default=False)),
            ("revoked", columns.FlagField(default=False)),
            ("wireguard_public", columns.BytesField(null=True, size=32)),
            ("wireguard_port", models.IntegerField(default=51820)),
            ("openvpn_udp", models.IntegerField(default=1194)),
            ("openvpn_tcp", models.IntegerField(default=443)),
            ("openvpn_processes", models.IntegerField(default=1)),
            ("number", models.IntegerField(unique=True)),
            ("exit6", models.CharField(default="", max_length=49)),
            ("draining", columns.FlagField(default=False)),
            ("key_blob", columns.BytesField(null=True, size=None)),
        ],
        options={"db_table": "node", "ordering": ["name"]},
    ),
    migrations.CreateModel(
        name="NodeAddress",
        fields=[
            ("address", models.CharField(max_length=45, primary_key=True, serialize=False)),
            (
                "node",
                models.ForeignKey(
                    db_column="node",
                    on_delete=models.deletion.CASCADE,
                    related_name="addresses",
                    to="records.node",
                ),
            ),
            ("use", columns.AddressUseField(max_length=9)),
            ("rests", columns.DayEndField(null=True)),
        ],
        options={"db_table": "node_address", "ordering": ["address"]},
    ),
    migrations.CreateModel(
        name="PublicAddress",
        fields=[
            ("owner", columns.BytesField(primary_key=True, serialize=False, size=32)),
            (
                "address",
                models.OneToOneField(
                    db_column="address",
                    on_delete=models.deletion.PROTECT,
                    related_name="holder",
                    to="records.nodeaddress",
                ),
            ),
        ],
        options={"db_table": "public_address"},
    ),
    migrations.CreateModel(
        name="Fleet",
        fields=[
            ("id", models.IntegerField(default=1, primary_key=True, serialize=False)),
            ("openvpn_authority", columns.BytesField(size=None)),
            ("tls_crypt", models.TextField()),
            ("site", models.CharField(max_length=200)),
        ],
        options={"db_table": "fleet"},
    ),
]


class Migration(migrations.Migration):
    """Makes everything."""

    initial = True
    dependencies = []
    operations = [
        make_collation(),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                make(name, text)
                for name, text in (
                    ("account", ACCOUNT),
                    ("key_record", KEY_RECORD),
                    ("voucher", VOUCHER),
                    ("spent_serial", SPENT_SERIAL),
                    ("journal", JOURNAL),
                    ("location", LOCATION),
                    ("node", NODE),
                    ("node_address", NODE_ADDRESS),
                    ("public_address", PUBLIC_ADDRESS),
                    ("fleet", FLEET),
                )
            ],
            state_operations=MODELS,
        )
    ]
