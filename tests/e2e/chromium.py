# SPDX-License-Identifier: MIT
"""A real Chromium without a window. Names under .example are this machine's."""
import contextlib
import os

PATIENCE_SEC = 120
SWITCHES = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-proxy-server',
            '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
            '--host-resolver-rules=MAP *.example 127.0.0.1']


@contextlib.contextmanager
def chromium(directory):
    """A browser whose profile and everything else it writes is in this directory, driven by Selenium."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    options = webdriver.ChromeOptions()
    options.binary_location = '/usr/bin/chromium'
    for switch in [*SWITCHES, f'--user-data-dir={directory}/profile']:
        options.add_argument(switch)
    service = Service('/usr/bin/chromedriver', env=dict(os.environ, HOME=str(directory), TMPDIR=str(directory)))
    driver = webdriver.Chrome(service=service, options=options)
    try:
        driver.set_page_load_timeout(PATIENCE_SEC)
        driver.set_script_timeout(PATIENCE_SEC)
        yield driver
    finally:
        driver.quit()
