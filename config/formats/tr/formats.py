"""Turkish: a day of one digit has no nought before it in a sentence."""

DATE_FORMAT = "j F Y"
