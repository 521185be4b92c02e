"""An attempt's number tells in which life of the controller it was made."""

LIFE_BITS = 32
"""Above these bits."""

OF_ONE_LIFE = (1 << LIFE_BITS) - 1
"""The bits that count the attempts of one life."""
