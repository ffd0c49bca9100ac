from django.db import models
from django.db.models import Q

from lists.models.lists import List
from lists.models.realms import Realm

MOST_BYTES = 16 * 1024  # of the picture as it is stored: it stands inside each page
MOST_WIDTH, MOST_HEIGHT = 480, 120  # pixels


class Logo(models.Model):
    """The picture that recipients know a sender by: of a list, or of a realm for its lists without one.

    Decoded and written anew before it is stored, so it is nothing but a picture. Never changed: another one is another row, so
    that who has read it once need not ask again.
    """

    id = models.AutoField(primary_key=True)
    realm = models.ForeignKey(Realm, models.PROTECT, related_name="logos", db_index=False)
    optout_list = models.OneToOneField(
        List, models.PROTECT, null=True, blank=True, related_name="logo"
    )
    image = models.BinaryField(max_length=MOST_BYTES)
    media_type = models.CharField(max_length=20)
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("realm",), condition=Q(optout_list=None), name="realm_has_one_logo"
            ),
            models.CheckConstraint(
                condition=Q(media_type__in=("image/png", "image/jpeg", "image/webp")),
                name="logo_type_is_known",
            ),
        )

    def __str__(self) -> str:
        return f"logo {self.pk}"
