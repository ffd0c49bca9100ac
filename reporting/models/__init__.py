from reporting.models.counters import DailyCount, FeedCursor, GlobalDailyCount
from reporting.models.downloads import Download
from reporting.models.notices import Notice

__all__ = ["DailyCount", "Download", "FeedCursor", "GlobalDailyCount", "Notice"]
