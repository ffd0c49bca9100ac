"""Arabic, in the digits that addresses and links have too."""

DATE_FORMAT = "j F Y"  # without a comma before the year
