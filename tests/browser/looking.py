"""Whether a page can be used by everybody: asked of one loaded page, in every look that people have."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, ViewportSize

ROOT = Path(__file__).parents[2]
AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text
WIDE: ViewportSize = {"width": 1280, "height": 800}
NARROW: ViewportSize = {"width": 360, "height": 780}
ZOOMED: ViewportSize = {"width": 640, "height": 400}
"""A window of 1280 by 800 at 200 %."""
REFLOWED: ViewportSize = {"width": 320, "height": 256}
"""A window of 1280 by 1024 at 400 %, in which WCAG 1.4.10 wants nothing to be scrolled sideways."""
ONLY_COLOURS = ["color-contrast", "link-in-text-block"]

LISTENING = """
globalThis.broken = [];
addEventListener("securitypolicyviolation", (e) => broken.push(`${e.effectiveDirective} ${e.blockedURI} ${e.sample}`));
"""

# Calls of the reference are built alike, and there are hundreds: the first of each group stand for the others.
FEWER = """
const many = document.querySelectorAll("details.panel").length > 40;
for (const group of many ? document.querySelectorAll("main section") : []) {
  const [, ...others] = group.querySelectorAll("details.panel");
  for (const each of others) each.remove();
}
"""

ASK_AXE = """
async (only) => {
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const found = await axe.run(document, {resultTypes: ["violations"], ...(only && {runOnly: only})});
  return found.violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.target.join(" ")).join(", ")}`);
}
"""

# What takes the keyboard: each is reached, in the order in which it stands, and shows that it is.
ASK_KEYBOARD = """
() => {
  const faults = [], name = (e) => `<${e.tagName.toLowerCase()} ${e.id || e.name || e.href || e.className}>`;
  const look = (e) => [null, "::after"].map((part) => {
    const s = getComputedStyle(e, part);
    return [s.outlineStyle, s.outlineWidth, s.boxShadow, s.borderColor, s.backgroundColor].join();
  }).join();
  const wanted = "a[href], button, input:not([type=hidden]), select, textarea, summary, [onclick], [role=button]";
  for (const each of document.querySelectorAll(`${wanted}, [tabindex]`)) {
    if (each.tabIndex > 0) faults.push(`${name(each)} jumps the queue`);
    if (!each.matches(wanted) || each.disabled || !each.checkVisibility({visibilityProperty: true})) continue;
    if (each.tabIndex < 0) { faults.push(`${name(each)} is not reached`); continue; }
    document.activeElement.blur();
    const shown = [each, ...(each.labels ?? [])];
    for (let e = each.parentElement; e && shown.length < 6; e = e.parentElement) shown.push(e);
    const before = shown.map(look).join();
    each.focus({focusVisible: true, preventScroll: true});
    if (document.activeElement !== each) faults.push(`${name(each)} takes no keyboard`);
    else if (shown.map(look).join() === before) faults.push(`${name(each)} does not show where one is`);
  }
  document.activeElement.blur();
  return faults;
}
"""

# With reduced motion asked for, nothing moves for longer than an eye can see.
ASK_MOTION = """
() => {
  const one = (text) => parseFloat(text) / (text.includes("ms") ? 1000 : 1);
  const seconds = (text) => Math.max(...text.split(",").map(one));
  return [...document.querySelectorAll("*")].flatMap((each) => ["", "::before", "::after"].map((part) => [each, part]))
    .filter(([each, part]) => {
      const s = getComputedStyle(each, part || null);
      const moved = s.animationName === "none" ? 0 : seconds(s.animationDuration);
      return Math.max(moved, seconds(s.transitionDuration)) > 0.01 || s.scrollBehavior === "smooth";
    })
    .map(([each, part]) => `moves: <${each.tagName.toLowerCase()} ${each.className}>${part}`);
}
"""

# What an attempt in a field would have made, had it not stayed text.
ASK_MADE = """
() => [...document.querySelectorAll("img[src=x], [onerror], script:not([src]):not([type])")].map((e) => e.outerHTML)
"""

# What a page says, in words, in fields and in what is chosen from.
ASK_TEXT = """
() => [document.title, document.body.textContent,
  ...[...document.querySelectorAll("input, textarea")].map((each) => each.value)].join("\\n")
"""

# Charts follow the window a frame later.
IS_TOO_WIDE = """
async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  for (let waited = 0; waited < 5 && document.documentElement.scrollWidth > innerWidth; waited++) await frame();
  return document.documentElement.scrollWidth > innerWidth;
}
"""

TOO_WIDE = """
() => [...document.querySelectorAll("body *")]
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1 && each.checkVisibility() &&
    !each.closest(".overflow-x-auto, svg, header"))
  .slice(0, 6)
  .map((each) => `<${each.tagName.toLowerCase()} ${each.className}>`).join(" ")
"""


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks at pages in a window of WIDE that asks for light and for reduced motion."""

    page: Page

    def prepare(self) -> None:
        """Have axe and the watch over the policy in every page from now on; the policy itself stays in force."""
        self.page.add_init_script(LISTENING + AXE())

    def faults(self) -> list[str]:
        """Return what is wrong with the page that is open, in every look, and leave it as it was."""
        page = self.page
        page.evaluate(FEWER)
        found = [*self._axe("light"), *page.evaluate(ASK_KEYBOARD), *page.evaluate(ASK_MOTION)]
        page.emulate_media(color_scheme="dark")
        found += self._axe("dark", ONLY_COLOURS)
        page.set_viewport_size(NARROW)
        found += [*self._axe("narrow and dark"), *self._wide("narrow"), *page.evaluate(ASK_KEYBOARD)]
        page.set_viewport_size(REFLOWED)
        found += self._wide("at 400 %")
        page.set_viewport_size(ZOOMED)
        found += self._wide("at 200 %")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(WIDE)
        return [*found, *self._framed(), *page.evaluate("broken")]

    def _framed(self) -> list[str]:
        """Look at what frames show; nothing runs in them, not even axe, so the same is opened in a page of its own."""
        found: list[str] = []
        for frame in self.page.frames[1:]:
            box = frame.frame_element().bounding_box()
            alone = Looker(self.page.context.new_page())
            if box:
                alone.page.set_viewport_size({"width": round(box["width"]), "height": round(box["height"])})
            alone.page.set_content(frame.content())
            found += [f"framed: {each}" for each in [*alone.axe_faults(), *alone._wide("as wide as the frame")]]
            alone.page.close()
        return found

    def axe_faults(self) -> list[str]:
        """Return what axe says of a page as it stands, prepared or not, in light and dark, and leave it in light."""
        self.page.evaluate(AXE())
        found = self._axe("light")
        self.page.emulate_media(color_scheme="dark")
        found += self._axe("dark", ONLY_COLOURS)
        self.page.emulate_media(color_scheme="light")
        return found

    def _axe(self, look: str, only: list[str] | None = None) -> list[str]:
        told: list[str] = self.page.evaluate(ASK_AXE, only)
        return [f"{look}: {each}" for each in told]

    def _wide(self, look: str) -> list[str]:
        if not self.page.evaluate(IS_TOO_WIDE):
            return []
        where: Any = self.page.evaluate(TOO_WIDE)
        return [f"{look}: wider than the window: {where}"]
