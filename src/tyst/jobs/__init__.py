"""The door for time: what happens because a day is over and not because somebody asked."""
