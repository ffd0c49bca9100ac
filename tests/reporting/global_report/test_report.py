"""GlobalReport: nobody gets lines or figures of a product that is not theirs, whatever filters they bring."""

import pytest
from django.http import QueryDict

from lists.models import List, Realm
from reporting.global_report.figures import read_global_figures
from reporting.global_report.lines import read_page, stream_csv
from reporting.global_report.report import GlobalFilters, GlobalReader, GlobalReport, default_order
from tests import make

OWN, FOREIGN = 7, 8


def report_of(realm: Realm, product: int | None) -> GlobalReport:
    """That of somebody who may see the product OWN alone. The form refuses other products before; this does not rely on it."""
    reader = GlobalReader(realm, products=(), product_numbers=(OWN,), is_clear=True)
    filters = GlobalFilters(product=product)
    return GlobalReport(reader, filters, default_order(filters))


@pytest.mark.parametrize(
    ("product", "numbers"), [(None, (OWN,)), (OWN, (OWN,)), (FOREIGN, ()), (0, ())]
)
def test_only_the_readers_products_are_meant(
    realm: Realm, optout_list: List, product: int | None, numbers: tuple[int, ...]
) -> None:
    for number in (OWN, FOREIGN, 0):
        make.make_global_request(realm, product_number=number)

    report = report_of(realm, product)

    assert report.product_numbers == numbers
    lines = read_page(report, QueryDict()).lines
    assert [line.product_number for line in lines] == list(numbers)
    assert read_global_figures(report, make.NOW).total == len(numbers)
    assert b"".join(stream_csv(report, is_raw=False)).count(b"jane@example.com") == len(numbers)


def test_who_may_see_all_may_ask_for_any(realm: Realm) -> None:
    reader = GlobalReader(realm, products=(), product_numbers=None, is_clear=True)
    filters = GlobalFilters(product=FOREIGN)
    assert GlobalReport(reader, filters, default_order(filters)).product_numbers == (FOREIGN,)
