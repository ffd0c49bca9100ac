"""`make messages`: collect what recipients read into the catalogs in locale/, and compile them.

Translations stay, texts that are gone go. `make messages ARGS=de` does one language; `ARGS="--portal de"` makes a catalog of
the portal's texts instead, in a folder of its own.
"""

import argparse
import sys
from pathlib import Path

from tools.catalogs import (
    LANGUAGES,
    LOCALE,
    ROOT,
    collect,
    files,
    is_translated,
    merge,
    mo_bytes,
    place_of,
    po_bytes,
    read_catalog,
)

PORTAL_LOCALE = ROOT / ".heed" / "portal-locale"  # of this machine: git leaves it alone


def write(language: str, locale: Path, readers: str) -> str:
    """Bring one catalog up to date and compile it; what came of it, in a line."""
    marked = collect(files(readers))
    catalog = merge(language, read_catalog(language, locale), marked, readers)
    place = place_of(language, locale)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.with_suffix(".po").write_bytes(po_bytes(catalog))
    place.with_suffix(".mo").write_bytes(mo_bytes(language, catalog))
    translated = sum(is_translated(each) for each in catalog if each.id)
    return f"{language:<6} {translated:>4} of {len(catalog)} texts translated"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="make messages", description="Collect what recipients read, and compile the catalogs."
    )
    parser.add_argument("languages", nargs="*", metavar="language", help=", ".join(LANGUAGES))
    parser.add_argument("--portal", action="store_true", help="the portal's texts instead")
    parser.add_argument("--into", type=Path, help=f"a folder for --portal ({PORTAL_LOCALE})")
    options = parser.parse_args(arguments)
    languages = options.languages or (() if options.portal else LANGUAGES)
    unknown = [each for each in languages if each not in LANGUAGES]
    if unknown or not languages:
        parser.error(f"choose among {', '.join(LANGUAGES)}")
    if options.into and not options.portal:
        parser.error("--into is for --portal")
    locale = (options.into or PORTAL_LOCALE) if options.portal else LOCALE
    for language in languages:
        print(write(language, locale, "portal" if options.portal else "recipients"))
    if options.portal:
        print(f"In {locale}. The portal is pinned to English: see CONTRIBUTING.md, “Translations”.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
