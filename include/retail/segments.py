"""The words for how a household buys. Two pipelines share them, and neither breaks with the other's declaration."""

# From the households that came back last to those that stay away. A model's label i is always the i-th of these.
SEGMENTS = ("loyal", "regular", "occasional", "lapsing")
