"""Both languages say the same things, and nothing that the page asks for is missing."""

import re

import pytest
from playwright.async_api import Page

import control.web.problems  # noqa: F401  # the refusals that only the web knows
from control.errors import ControlError
from tests.page.conftest import PAGE

pytestmark = pytest.mark.asyncio(loop_scope="package")

Texts = dict[str, str]

SOURCES = {
    path.relative_to(PAGE).as_posix(): path.read_text()
    for path in PAGE.rglob("*.js")
    if path.parent.name != "language"
}


async def _texts(page: Page, language: str) -> Texts:
    texts: Texts = await page.evaluate(
        "async (name) => (await import(`/language/${name}.js`)).default", language
    )
    return texts


async def test_both_languages_have_the_same_keys_in_the_same_order(modules: Page) -> None:
    bulgarian, english = await _texts(modules, "bg"), await _texts(modules, "en")

    assert list(bulgarian) == list(english)
    assert all(text.strip() for text in [*bulgarian.values(), *english.values()])


async def test_both_languages_leave_the_same_places_to_fill(modules: Page) -> None:
    bulgarian, english = await _texts(modules, "bg"), await _texts(modules, "en")

    def places(text: str) -> set[str]:
        return set(re.findall(r"\{(\w+)\}", text))

    assert {key: places(text) for key, text in bulgarian.items()} == {
        key: places(text) for key, text in english.items()
    }


async def test_each_language_is_in_its_own_letters(modules: Page) -> None:
    bulgarian, english = await _texts(modules, "bg"), await _texts(modules, "en")
    # The switch names the other language; the name of the product is written in Latin letters.
    foreign = {"header.language", "app.name"}

    assert [key for key, text in english.items() if re.search("[а-яА-Я]", text)] == [
        "header.language"
    ]
    assert [
        key
        for key, text in bulgarian.items()
        if key not in foreign
        and re.search(
            "[a-zA-Z]", re.sub(r"\{\w+\}|https|\bms\b|\bTURN\b|\bUDP\b|\bVPN\b", "", text)
        )
    ] == []


async def test_each_text_that_a_module_names_exists_and_each_text_is_named(modules: Page) -> None:
    keys = set(await _texts(modules, "bg"))
    prefixes = {key.split(".")[0] for key in keys}
    named: set[str] = set()
    patterns: set[str] = set()
    for source in SOURCES.values():
        # A key stands as a whole ("home.title") or with places (`against.${reason}`).
        for quoted in re.findall(r'"([a-zA-Z]+\.[\w.-]+)"', source):
            if quoted.split(".")[0] in prefixes and not quoted.endswith(
                (".js", ".svg", ".sign-in")
            ):
                named.add(quoted)
        for template in re.findall(r"`((?:[a-zA-Z]+\.|\$\{why\}\.)[^`\s/]*)`", source):
            pattern = re.sub(r"\\\$\\\{.*?\\\}", r"[\\w.-]+", re.escape(template))
            patterns.add(pattern)

    missing = {key for key in named if key not in keys and f"{key}.ready" not in keys}
    assert missing <= {"devices.problem", "devices.microphone"}  # with a place after them
    unused = {
        key for key in keys - named if not any(re.fullmatch(pattern, key) for pattern in patterns)
    }
    assert unused == set()


async def test_each_refusal_of_the_api_has_a_text_and_no_other(modules: Page) -> None:
    texts = await _texts(modules, "bg")
    codes = {key.removeprefix("problem.") for key in texts if key.startswith("problem.")}

    def refusals(error: type[ControlError]) -> set[str]:
        own = {error.code} if hasattr(error, "code") else set()
        return own.union(*(refusals(each) for each in error.__subclasses__()))

    assert codes == refusals(ControlError)


@pytest.mark.parametrize(
    ("search", "remembered", "language"),
    [
        ("", None, "bg"),
        ("?lang=en", None, "en"),
        ("?lang=en", "bg", "bg"),
        ("", "en", "en"),
        ("?lang=xx", "yy", "bg"),
    ],
)
async def test_bulgarian_unless_asked_or_chosen(
    modules: Page, search: str, remembered: str | None, language: str
) -> None:
    chosen = await modules.evaluate(
        """async ([search, remembered]) =>
             (await import("/language.js")).chosenLanguage(search, remembered)""",
        [search, remembered],
    )

    assert chosen == language


async def test_a_text_with_its_places_filled(modules: Page) -> None:
    text = await modules.evaluate(
        """async () => (await import("/language.js")).translator("bg")("home.addNamed",
             { name: "д-р Иванова" })"""
    )

    assert text == "Добави д-р Иванова към записаните"


async def test_an_unknown_text_is_our_mistake(modules: Page) -> None:
    raised = await modules.evaluate(
        """async () => { try { (await import("/language.js")).translator("en")("no.such"); }
                         catch (error) { return error.message; } }"""
    )

    assert raised == "no text no.such in en"
