"""Whether everybody can use a screen: axe-core's rules, and nothing wider than a phone."""

from collections.abc import Callable

from tests.browser.browser import DESKTOP, HERE, PHONE, Page
from tests.browser.gallery import LANGUAGE, SWITCH

AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
SCHEMES = ("light", "dark")
# What moves is looked at as it is afterwards; what moves for ever cannot be finished.
RUN = """async () => {
  for (const each of document.getAnimations()) try { each.finish(); } catch {}
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, any, all }) => [
      `${id} (${help})`, html.slice(0, 200), ...[...any, ...all].map(({ message }) => message),
    ].join("; ")));
}"""
TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1
    && !each.closest(".wide, .skip, .unseen, dialog"))
  .filter(() => document.documentElement.scrollWidth > innerWidth)
  .slice(0, 3).map((each) => each.outerHTML.slice(0, 200))"""


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with what ``page`` shows now, a line for each element."""
    if not page.evaluate("() => 'axe' in globalThis"):
        page.evaluate(f"() => {{ {AXE.read_text(encoding='utf-8')}\n}}")
    found: list[str] = page.evaluate(RUN)
    return found


def check(page: Page, screen: str, again: Callable[[], object] = lambda: None) -> None:
    """Fail when axe-core finds anything, in either language and colour scheme, or when something
    does not fit a phone. The page is as it was before; Chromium only.

    ``again`` opens what a change of language closes: a dialog, a menu.
    """
    faults: list[str] = []
    for _ in range(2):
        language = page.evaluate(LANGUAGE)
        for scheme in SCHEMES:
            page.set_color_scheme(scheme)
            faults += (f"{language} {scheme}: {each}" for each in violations(page))
        page.set_size(PHONE)
        faults += (f"{language} too wide: {each}" for each in page.evaluate(TOO_WIDE))
        page.set_size(DESKTOP)
        page.evaluate(SWITCH)
        again()
    page.set_color_scheme("light")
    assert not faults, "\n".join([f"{screen}:", *faults])
