"""Which fields the form shows, in which order, under which headers (S1.11–S1.13)."""

import re
from collections.abc import Mapping

from lists.global_unsubscribe import CUSTOM_FIELDS, EMAIL, FIELDS, PHONE, FormSnapshot
from optout.channels.global_unsubscribe.labels import clean_label, own_label
from optout.channels.global_unsubscribe.parameters import LABELS, MOST_VALUES, SHOWN, Parameters

ADDRESSES = (EMAIL, PHONE)

_BY_NAME = {name.lower(): name for name in FIELDS}
_BETWEEN = re.compile(r"[\s,;]+")
_READ = 1_000  # characters of one list of fields


def shown_fields(parameters: Parameters, form: FormSnapshot | None) -> dict[str, str]:
    """The fields by the names of their parameters, in order, each with its label; email and phone have none here.

    What the URL says wins over the stored form. A form without any address would be of no use: then it asks for both.
    """
    labels = _labels(parameters, form)
    shown = {
        name: labels.get(name, "")
        for name in _asked_for(parameters, form)
        if name in ADDRESSES or labels.get(name)
    }
    if any(name in shown for name in ADDRESSES):
        return shown
    return dict.fromkeys(ADDRESSES, "") | shown


def _asked_for(parameters: Parameters, form: FormSnapshot | None) -> list[str]:
    lists = parameters.sent.get(SHOWN)
    if not lists:
        return [name for name in (form.fields if form else ADDRESSES) if name in FIELDS]
    names = (name for text in lists[:MOST_VALUES] for name in _BETWEEN.split(text[:_READ].lower()))
    return list(dict.fromkeys(_BY_NAME[name] for name in names if name in _BY_NAME))


def _labels(parameters: Parameters, form: FormSnapshot | None) -> Mapping[str, str]:
    own = form.labels if form else {}
    return {
        name: clean_label(given[0]) if given else own_label(str(own.get(name, "")))
        for name, given in ((name, parameters.sent.get(LABELS[name])) for name in CUSTOM_FIELDS)
    }
