"""What can be had for money: the subscription and its two add-ons, each with an expiry column of the same rules."""

from enum import StrEnum


class Product(StrEnum):
    """The values are those of `voucher.product`, and but for the first the account's own columns."""

    SUBSCRIPTION = "subscription"
    MULTIHOP = "multihop"
    IPV4 = "ipv4"


PRODUCTS = tuple(product.value for product in Product)
