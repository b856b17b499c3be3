"""A real Chromium for tests that look at pages; None where it is not installed."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # what a window of a person's has around the page
    "--disable-extensions",
    "--disable-component-extensions-with-background-pages",
    "--disable-features=BackForwardCache,SpareRendererForSitePerProcess,Translate,MediaRouter,OptimizationHints,GlobalMediaControls",
)
BINARIES = ("chromium", "chromium-browser", "google-chrome")


def why_not() -> str:
    """What keeps a browser from running here; "" where nothing does."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "selenium is not installed"
    if not any(shutil.which(name) for name in BINARIES):
        return "no Chromium is installed (Debian: apt-get install chromium chromium-driver)"
    return (
        "" if shutil.which("chromedriver") else "no chromedriver is installed (Debian: apt-get install chromium-driver)"
    )


@contextmanager
def chromium(*, width: int = 1440, height: int = 1000) -> Iterator:
    """A selenium driver with a fresh profile."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = next(path for name in BINARIES if (path := shutil.which(name)))
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
        driver.set_page_load_timeout(60)
        try:
            yield driver
        finally:
            driver.quit()


def open_page(driver, path: Path, *, fragment: str = "") -> None:
    driver.get("about:blank")
    driver.get_log("browser")
    driver.get(path.resolve().as_uri() + fragment)


def console(driver) -> list[str]:
    return [entry["message"] for entry in driver.get_log("browser")]


def axe() -> Path | None:
    """axe-core, where the package that carries it is installed; that is not imported, as it asks for another browser."""
    package = find_spec("axe_playwright_python")
    return Path(package.origin).with_name("axe.min.js") if package else None


def faults(driver, *, within: str = "html") -> list[str]:
    """What axe-core calls serious or critical of the page that is open, or of a part of it."""
    driver.execute_script(axe().read_text(encoding="utf-8") + "\nwindow.axe = axe;")
    script = """
    const done = arguments[1];
    axe.run(arguments[0], {resultTypes: ['violations']}).then((found) => done(found.violations));
    """
    found = driver.execute_async_script(script, within)
    return [
        f"{each['id']}: {node['target']} {node['failureSummary'].splitlines()[1].strip()}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"][:3]
    ]
