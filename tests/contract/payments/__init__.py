"""One suite for every processor: its faithful fake speaks the real wire protocol, our provider is the product's own."""
