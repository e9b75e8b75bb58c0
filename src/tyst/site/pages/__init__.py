"""The pages, by what a person wants: look around, join, see her account, connect, leave."""
