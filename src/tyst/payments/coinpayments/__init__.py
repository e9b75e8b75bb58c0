"""CoinPayments: coins of many kinds, through a processor that holds them. The buyer pays on its pages."""
