"""The pages of a sync in a real browser: plan, report and review, clicked through, and photographed.

`python check_pages.py HARNESS REPORT SCREENSHOTS`, with Chromium and its driver on the path.
"""

import contextlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tally import Tally
from tenants import AT_MOST_SECONDS

RULES = """
[match]
key = "person.id"
[provision]
everyone = true
[dates]
disabled = 'person.status == "left"'
[attributes]
userName = "person.email"
workEmail = "person.email"
givenName = "person.given"
familyName = "person.family"
externalId = "person.id"
title = "person.title"
site = "person.site"
"""
HEADER = "id,email,given,family,title,site,status\n"
# Markup, a turned reading direction, a name from right to left.
ODD = "E3,eve@example.com,<script>document.title='run'</script>,Na\u202eme,\u05d9\u05e2\u05dc,Madrid,active\n"
BEFORE = HEADER + """E1,ada@example.com,Ada,Lovelace,Analyst,London,active
E2,bob@example.com,Bob,Byrd,Analyst,London,active
E4,dan@example.com,Dan,Dahl,Clerk,Nowhere,active
"""
AFTER = HEADER + """E1,ada@example.com,Ada,Lovelace,Director,Madrid,active
E2,bob@example.com,Bob,Byrd,Analyst,London,left
E5,fay@example.com,Fay,Fox,Clerk,Singapore,active
,nobody@example.com,No,Key,Clerk,London,active
""" + ODD
MANY = 20_000

harness, report, screenshots = sys.argv[1:]
screenshots = pathlib.Path(screenshots)
screenshots.mkdir(parents=True, exist_ok=True)
tally = Tally("Chromium", report)


@contextlib.contextmanager
def browser(width=1200, dark=False):
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    # Its own sandbox needs what a container does not give; it opens nothing but these pages.
    for argument in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        yield driver
    finally:
        driver.quit()


def photograph(driver, name):
    driver.save_screenshot(screenshots / f"{name}.png")
    wide = driver.execute_script("return document.documentElement.scrollWidth - innerWidth")
    tally.that(f"{name}: nothing is wider than the screen", wide <= 0, wide)
    # What the policy refuses is logged, and so is what a script dies of.
    tally.same(f"{name}: the browser has nothing to object", driver.get_log("browser"), [])


def wait(driver, holds):
    # What was found may be gone by the time it is read: one page takes another's place.
    gone = [StaleElementReferenceException]
    return WebDriverWait(driver, 30, ignored_exceptions=gone).until(holds)


def text(driver, selector="body"):
    return driver.find_element(By.CSS_SELECTOR, selector).text


def click(driver, selector):
    driver.find_element(By.CSS_SELECTOR, selector).click()


def run(*arguments):
    """Runs harness; whatever it ends in is looked at in its pages."""
    done = subprocess.run([harness, *map(str, arguments)], capture_output=True, timeout=300)
    tally.that(f"{arguments[2]} ends in order", done.returncode in (0, 3), done)


@contextlib.contextmanager
def review(plan):
    """A review under way, and its address."""
    command = ["timeout", AT_MOST_SECONDS, harness, "--json", "review", plan]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        try:
            yield running, json.loads(running.stdout.readline())["url"]
        finally:
            running.terminate()


def pages(folder):
    """A report and a plan of a tenant that has something of everything."""
    connection = folder / "tenant.toml"
    command = ["timeout", AT_MOST_SECONDS, harness, "tenant", "--write-connection", connection]
    (folder / "rules.toml").write_text(RULES)
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as running:
        try:
            running.stdout.readline()
            for name, roster, more in [
                ("before", BEFORE, ["--yes", "--report", folder / "report.html"]),
                ("after", AFTER, ["--plan", folder / "plan.json", "--html", folder / "plan.html"]),
            ]:
                people = folder / f"{name}.csv"
                people.write_text(roster, encoding="utf-8")
                sync = ["--connection", connection, "sync", people, "--rules", folder / "rules.toml"]
                run(*sync, *more, "--allow", "bad-rows")
        finally:
            running.terminate()


def check_plan(folder):
    page = (folder / "plan.html").as_uri()
    with browser() as driver:
        driver.get(page)
        photograph(driver, "plan")
        seen = text(driver)
        for told in ["New accounts", "Analyst → Director", "Somebody has to look", "U+202E"]:
            tally.that(f"the plan shows {told}", told in seen, seen)
        tally.that("markup in a name is text", "<script>" in seen and driver.title != "run", driver.title)
        field = driver.find_element(By.CSS_SELECTOR, ".filter input")
        field.send_keys("fay")
        wait(driver, lambda _: text(driver, ".filter output") == "1 found")
        tally.that("who is not looked for is not shown", "Director" not in text(driver))
    for name, width, dark in [("plan-phone", 390, False), ("plan-dark", 1200, True)]:
        with browser(width, dark) as driver:
            driver.get(page)
            photograph(driver, name)


def check_report(folder):
    with browser() as driver:
        driver.get((folder / "report.html").as_uri())
        photograph(driver, "report")
        seen = text(driver)
        tally.that("the report counts", "2\nnew" in seen or "3\nnew" in seen, seen)
    with browser(390, True) as driver:
        driver.get((folder / "report.html").as_uri())
        photograph(driver, "report-phone-dark")


def approved(plan):
    entries = json.loads(plan.read_text())["entries"]
    return {entry["person"]: entry["approved"] for entry in entries if entry["person"]}


def row(person):
    return f"//li[.//strong[normalize-space()='{person}']]"


def check_review(folder, script):
    name = "review" if script else "review-without-script"
    plan = folder / f"{name}.json"
    shutil.copy(folder / "plan.json", plan)
    with review(plan) as (running, url), browser() as driver, browser(390) as other:
        if not script:
            driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        driver.get(url)
        wait(driver, lambda _: "Review of a plan" in text(driver))
        other.get(url)
        tally.that(f"{name}: no second browser gets in", "used before" in text(other), text(other))
        marked = "return self.mark = 1" if script else "return 1"
        driver.execute_script(marked)
        for person, button, state in [("E5", "approve", "approved"), ("E1", "reject", "rejected")]:
            driver.find_element(By.XPATH, row(person) + f"//button[@name='{button}']").click()
            wait(driver, lambda _: driver.find_element(By.XPATH, row(person) + f"[@class='state-{state}']"))
        wait(driver, lambda _: "1 approved, 1 rejected" in text(driver, ".bar"))
        if script:
            tally.same("the page was not loaded anew", driver.execute_script("return self.mark"), 1)
            photograph(driver, name)
        else:
            driver.save_screenshot(screenshots / f"{name}.png")
        tally.same(f"{name}: nothing is written before it is saved", set(approved(plan).values()), {None})
        click(driver, ".bar .primary")
        wait(driver, lambda _: text(driver, "h1") == "Saved")
        driver.save_screenshot(screenshots / f"{name}-saved.png")
        tally.that(f"{name}: it says what to run", "--apply" in text(driver, "pre"))
        decided = {who: what for who, what in approved(plan).items() if what is not None}
        tally.same(f"{name}: the file holds what was clicked", decided, {"E5": True, "E1": False})
        tally.same(f"{name}: the program ends", running.wait(20), 0)


def check_many(folder):
    """Twenty thousand entries: found within the page's own time, and no page of a review is long."""
    plan = json.loads((folder / "plan.json").read_text())
    pattern = next(entry for entry in plan["entries"] if entry["action"] == "create")
    plan["entries"] = [
        {**pattern, "person": f"M{n:05}", "name": f"m{n:05}@example.com"} for n in range(MANY)
    ]
    many = folder / "many.json"
    many.write_text(json.dumps(plan))
    with review(many) as (_, url), browser(390) as driver:
        driver.get(url)
        wait(driver, lambda _: "Review of a plan" in text(driver))
        driver.find_element(By.CSS_SELECTOR, "[name=find]").send_keys("m19999")
        click(driver, "[role=search] button")
        wait(driver, lambda _: "M19999" in text(driver, ".list"))
        photograph(driver, "review-phone-many")
        click(driver, ".list [name=approve]")
        wait(driver, lambda _: "1 approved" in text(driver, ".bar"))


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    pages(folder)
    check_plan(folder)
    check_report(folder)
    check_review(folder, script=True)
    check_review(folder, script=False)
    check_many(folder)
with browser() as driver:
    release = driver.capabilities["browserVersion"].split(".")[0]
tally.close("Chromium on the pages of a sync", release)
