"""CoinPayments without a network."""
