"""English: the day first, as everywhere in Heed; read the same on both sides of the ocean."""

DATE_FORMAT = "j F Y"  # 2 November 2025, not Nov. 2, 2025
