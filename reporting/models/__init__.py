from reporting.models.counters import DailyCount, FeedCursor
from reporting.models.downloads import Download
from reporting.models.notices import Notice

__all__ = ["DailyCount", "Download", "FeedCursor", "Notice"]
