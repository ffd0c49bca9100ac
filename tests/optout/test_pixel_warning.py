from datetime import timedelta

import pytest

from lists.models import List
from optout.pixel_warning import warn_of_pixel_in_mail
from tests import make


@pytest.mark.django_db
class TestWarning:
    def test_it_is_noted_once_a_day(self, optout_list: List) -> None:
        for hours in (0, 1, 23):
            warn_of_pixel_in_mail(optout_list.pk, make.NOW + timedelta(hours=hours))

        assert List.objects.get(pk=optout_list.pk).pixel_in_mail_at == make.NOW

    def test_a_pixel_put_into_a_mail_again_is_noted_again(self, optout_list: List) -> None:
        warn_of_pixel_in_mail(optout_list.pk, make.NOW)
        later = make.NOW + timedelta(days=40)

        warn_of_pixel_in_mail(optout_list.pk, later)

        assert List.objects.get(pk=optout_list.pk).pixel_in_mail_at == later
