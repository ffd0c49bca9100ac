"""What every page owes to the eye and to a screen reader; each function returns what is wrong, in words."""

import os
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

PHONE = ViewportSize(width=375, height=720)
SMALL = ViewportSize(width=320, height=568)
DESK = ViewportSize(width=1280, height=900)

# Give it a folder, and the tests of looks leave a picture of every page there.
PICTURES = os.environ.get("HEED_PICTURES", "")

_axe = Axe()
# Everything that axe knows but its experiments; target-size (WCAG 2.2) is off by default.
_AXE_OPTIONS: dict[str, Any] = {
    "resultTypes": ["violations"],
    "rules": {"target-size": {"enabled": True}},
}

_LAYOUT = """() => {
  const wrong = [], root = document.documentElement, width = root.clientWidth;
  const name = (one) => `<${one.tagName.toLowerCase()} class="${one.className}"> “${one.textContent.trim().slice(0, 40)}”`;
  // What may be scrolled by itself, and what only a screen reader meets.
  const isApart = (one) => {
    for (let each = one; each; each = each.parentElement) {
      if (each.matches(".scroll, .skip") || getComputedStyle(each).clipPath === "inset(50%)") return true;
    }
    return !one.checkVisibility();
  };
  if (root.scrollWidth > width) {
    wrong.push(`scrolls sideways: ${root.scrollWidth} > ${width}`);
  }
  for (const one of document.body.querySelectorAll("*")) {
    if (isApart(one)) continue;
    const box = one.getBoundingClientRect();
    if (box.left < -1 || box.right > width + 1) wrong.push(`sticks out: ${name(one)}`);
    const style = getComputedStyle(one);
    if (style.overflowX === "hidden" && style.textOverflow !== "ellipsis" && one.scrollWidth > one.clientWidth + 1) {
      wrong.push(`clipped: ${name(one)}`);
    }
  }
  // On a phone a cell is a line of two: its label, and what stands in it. More would be torn apart.
  for (const one of document.querySelectorAll("td[data-label]")) {
    const parts = [...one.childNodes].filter((each) => each.nodeType === 1 || each.textContent.trim());
    if (getComputedStyle(one).display === "flex" && parts.length > 1) wrong.push(`falls apart: ${name(one)}`);
  }
  for (const one of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")) {
    if (isApart(one)) continue;
    one.scrollIntoView({block: "center", behavior: "instant"});
    const box = one.getClientRects()[0];
    const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    const isCovered = !hit || !(one.contains(hit) || hit.contains(one) || hit.closest(".menu-panel"));
    if (isCovered) wrong.push(`cannot be pressed: ${name(one)}`);
  }
  scrollTo(0, 0);
  return wrong;
}"""

# A button that fades from one colour scheme to the other has neither's contrast.
_AT_REST = "() => Promise.allSettled(document.getAnimations().map((each) => each.finished))"

# The words that a reader sees, without names, addresses and what says its own language.
_WORDS = """() => {
  const words = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (one.closest("style, bdi, header, .hp, .langs") || !one.checkVisibility()) continue;
    words.push(walker.currentNode.data.trim());
  }
  return [document.title, ...words].filter(Boolean).join("\\n");
}"""


def axe_violations(page: Page) -> list[str]:
    """What axe has against the page as it is shown now, after its colours have come to rest."""
    page.evaluate(_AT_REST)
    found = _axe.run(page, options=_AXE_OPTIONS).response["violations"]
    return [
        f"{each['id']}: {node['html'][:160]} ({_messages(node)})"
        for each in found
        for node in each["nodes"]
    ]


def layout_faults(page: Page) -> list[str]:
    """Whether the page scrolls sideways, something sticks out or is clipped, or a control cannot be pressed."""
    return list(page.evaluate(_LAYOUT))


def visible_words(page: Page) -> str:
    """The title and the text of the page, without names of lists and senders and the links to other languages."""
    return str(page.evaluate(_WORDS))


def take_picture(page: Page, name: str, *sizes: ViewportSize) -> None:
    """Keep a picture of the whole page in each of these sizes, if somebody wants to look at it."""
    if not PICTURES:
        return
    Path(PICTURES).mkdir(parents=True, exist_ok=True)
    before = page.viewport_size
    for size in sizes:
        page.set_viewport_size(size)
        page.screenshot(path=Path(PICTURES) / f"{name}-{size['width']}.png", full_page=True)
    if before:
        page.set_viewport_size(before)


def _messages(node: dict[str, Any]) -> str:
    checks = [*node["any"], *node["all"], *node["none"]]
    return "; ".join(str(each["message"]) for each in checks)
