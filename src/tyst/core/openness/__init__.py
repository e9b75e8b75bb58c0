"""What a provider publishes about itself: counted requests, a canary, months of its cities. Values and their forms."""
